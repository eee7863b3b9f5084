"""Nothing outlives its use: the module itself tells, at the end of the interpreter, what was never freed."""

import subprocess
import sys
import textwrap

from conftest import ROOT

EVERYTHING = textwrap.dedent("""
    import gc, pickle
    import numpy as np
    import sluice
    from conftest import TINY, numbers_core, small_text, waves
    from sluice import nn

    model = sluice.train(text=small_text(), **{**TINY, "progress": lambda report: None})
    def breaks(report):
        raise ValueError("mine")
    try:
        sluice.train(text=small_text(), **{**TINY, "progress": breaks})
    except ValueError as error:
        kept = error
    pickle.loads(pickle.dumps(model)).complete("Ada", n=3)
    model.eval(text=small_text())
    model.explain("Ada likes").to_html()
    numbers = sluice.Model(numbers_core())
    stream = numbers.stream()
    stream.step(np.ones(3, np.float32))
    numbers.streams(2).step(np.ones((2, 3), np.float32))
    state = stream.state
    layer = nn.LSTM(3, 4, num_layers=2, bidirectional=True)
    y, _ = layer(np.ones((5, 2, 3), np.float32), lengths=[5, 2])
    layer.backward(np.ones_like(y))
    layer(np.ones((5, 2, 3), np.float32))  # whose tape is never gone back through
    for wrong in ("x", None, np.ones(4)):
        try:
            stream.step(wrong)
        except (sluice.Error, TypeError):
            pass
    X, y = waves(10)
    sluice.SequenceClassifier(hidden=4, epochs=1, random_state=0).fit(X, y).predict(X)
    table = {"x": np.sin(np.arange(200.0))}
    sluice.Forecaster(horizon=2, hidden=4, epochs=1, random_state=0).fit(table).predict(table, return_state=True)
    detector = sluice.AnomalyDetector(hidden=4, epochs=1, random_state=0).fit(table)
    detector.detect(table)
    for wrong in ({"x": [1.0]}, {"y": [1.0, 2.0]}, {}):
        try:
            detector.predict(wrong)
        except sluice.Error:
            pass
    {last}
""")


def run(last):
    script = EVERYTHING.replace("{last}", last)
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT / "tests/bindings")
    assert found.returncode == 0, found.stderr
    return found.stderr


def test_nothing_is_leaked():
    assert "leaked" not in run("")


def test_a_leak_would_be_seen():
    assert "leaked" in run("import ctypes; ctypes.pythonapi.Py_IncRef(ctypes.py_object(stream))")


def test_references_are_counted_right():
    script = textwrap.dedent("""
        import sys
        import numpy as np
        from conftest import numbers_core
        import sluice
        from sluice import nn
        x, out = np.ones(3, np.float32), np.empty(2, np.float32)
        stream, layer, rows = sluice.Stream(numbers_core()), nn.GRU(3, 4), np.ones((4, 2, 3), np.float32)
        def everything():
            stream.step(x), stream.step(x, out=out), stream.step([1, 2, 3]), stream.feed(rows[:, 0])
            layer(rows)
            layer.backward(np.ones((4, 2, 4), np.float32))
        everything()
        counts = [sys.getrefcount(thing) for thing in (x, out, rows, None, stream)]
        for _ in range(1000):
            everything()
        grown = [sys.getrefcount(thing) - count for thing, count in zip((x, out, rows, None, stream), counts)]
        assert max(grown) < 100, grown
    """)
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT / "tests/bindings")
    assert found.returncode == 0, found.stderr
