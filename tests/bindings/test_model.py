"""Models: files, pickles, completions, what is in them, other systems."""

import io
import pickle
import threading
import time

import numpy as np
import pytest

import sluice
import sluice.nn
from conftest import numbers_core, small_text


def test_a_model_says_what_it_is(model):
    assert model.cell == "gru" and model.level == "word" and model.reads_text
    assert model.info["vocabulary"] == len(model.vocabulary) and model.vocabulary[0] == "<unk>"
    assert 1000 < model.info["parameters"] == model.parameter_count <= sum(v.size for v in model.state_dict().values())
    assert model.config["hidden"] == 16 and "gru" in repr(model)


def test_save_and_load_give_the_same_model(model, tmp_path):
    path = tmp_path / "m.safetensors"
    model.save(path)
    with pytest.raises(sluice.FailedError):
        model.save(path)
    model.save(path, force=True)
    again = sluice.load(str(path))
    assert again.to_bytes() == model.to_bytes() == sluice.Model.from_bytes(model.to_bytes()).to_bytes()
    assert again.name == "m"


def test_a_pickle_holds_the_bytes_of_the_file(model):
    blob = pickle.dumps(model)
    assert model.to_bytes() in blob
    assert pickle.loads(blob).complete("Ada") == model.complete("Ada")


def test_safetensors_reads_the_file(model, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    model.save(tmp_path / "m.safetensors")
    tensors = safetensors.load_file(tmp_path / "m.safetensors")
    for name, values in model.state_dict().items():
        assert np.array_equal(tensors[name], values), name


@pytest.mark.parametrize("data", [b"", b"nothing", b"\xff" * 100, bytes(1000)])
def test_bytes_that_are_no_model_are_refused(data):
    with pytest.raises(sluice.FileError):
        sluice.Model.from_bytes(data)


def test_every_cut_of_a_model_file_is_refused(model):
    data = model.to_bytes()
    for cut in range(0, len(data), len(data) // 50):
        with pytest.raises(sluice.FileError):
            sluice.Model.from_bytes(data[:cut])


def test_completions_follow_their_options(model):
    assert model.complete("Ada", n=5) == model.complete("Ada", n=5)
    assert model.generate("Ada", n=0) == ""
    greedy = model.complete("Ada", n=10, temperature=0)
    assert greedy == model.complete("Ada", n=10, temperature=0, seed=99)
    assert len({model.complete("Ada", n=10, temperature=2, seed=seed) for seed in range(8)}) > 1
    assert model.complete("Ada", n=40, stop="\n", temperature=0).count("\n") == 0
    top = model.candidates("Ada", 3)
    assert len(top) == 3 and top[0][1] >= top[1][1] and top[0][0] in model.vocabulary


@pytest.mark.parametrize("options", [{"temperature": -1}, {"top_p": 0}, {"top_p": float("nan")}, {"n": -1},
                                     {"stop": [""]}, {"stop": [3]}, {"seed": "x"}, {"n": 1.5}])
def test_wrong_options_of_completions_are_refused(model, options):
    with pytest.raises(sluice.UsageError):
        model.complete("Ada", **{"n": 3, **options})


def test_encode_and_decode(model):
    tokens = model.encode("Ada likes the red house")
    assert tokens.dtype == np.uint32 and model.decode(tokens) == "Ada likes the red house"
    assert model.encode("xyzzy").tolist() == [0]
    with pytest.raises(sluice.UsageError):
        model.decode([10**6])


def test_eval_measures(model, text_file):
    measured = model.eval(text_file)
    assert measured.tokens > 1000 and 0 < measured.bits_per_token < 8
    assert measured.perplexity == pytest.approx(2**measured.bits_per_token)
    assert model.eval(text=text_file.read_text()).nats_per_token == measured.nats_per_token
    nats = model.score("Ada likes the red house")
    assert nats.shape == (4,) and (nats > 0).all()
    with pytest.raises(sluice.UsageError, match="both"):
        model.eval(text_file, text="a")


def test_a_model_on_numbers_refuses_texts_and_the_other_way_round(model, numbers_model):
    for wrong in (lambda: numbers_model.complete("a"), lambda: numbers_model.eval(text="a b"),
                  lambda: numbers_model.score("a"), lambda: numbers_model.explain("a"),
                  lambda: numbers_model.encode("a"), lambda: numbers_model.decode([0]),
                  lambda: model.predict([[[1.0]]])):
        with pytest.raises(sluice.Error):
            wrong()


def test_predict_takes_arrays_and_lists(numbers_model):
    X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)
    y = numbers_model.predict(X)
    assert y.shape == (4, 6, 2) and y.dtype == np.float32
    ragged = numbers_model.predict([X[0], X[1][:2]])
    assert np.array_equal(ragged[0], y[0]) and np.array_equal(ragged[1], y[1][:2])
    for wrong in (X[:, :, :2], X[0, 0], [], np.zeros((0, 3, 3)), np.full((1, 2, 3), "a"), X * 1j):
        with pytest.raises((sluice.UsageError, ValueError)):
            numbers_model.predict(wrong)


def test_two_threads_on_one_model_predict_what_one_does(numbers_model):
    X = np.random.default_rng(0).normal(size=(50, 40, 3)).astype(np.float32)
    alone, found = numbers_model.predict(X, threads=1), []
    threads = [threading.Thread(target=lambda: found.append(numbers_model.predict(X, threads=1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(np.array_equal(one, alone) for one in found)


def test_explain_is_a_page_and_numbers(model, tmp_path):
    explained = sluice.explain(model, "Ada likes the red house", top=3)
    assert explained.data["schema"] == 1
    assert [word["text"] for word in explained.data["reading"]["words"]] == ["Ada", "likes", "the", "red", "house"]
    page = explained.to_html(tmp_path / "page.html")
    assert "<!doctype html" in page.lower() and (tmp_path / "page.html").read_text() == page
    assert "<iframe" in explained._repr_html_()
    with pytest.raises(sluice.FailedError, match="exists already"):
        explained.to_html(tmp_path / "page.html")
    with pytest.raises(sluice.UsageError):
        sluice.explain(model, "")
    with pytest.raises(TypeError, match="did you mean 'quick'"):
        sluice.explain(model, "Ada", quik=True)
    with pytest.raises(sluice.UsageError):
        sluice.explain(model, "Ada likes", at=7)


def test_export_and_import_give_the_same_outputs(numbers_model, tmp_path):
    X = np.random.default_rng(0).normal(size=(2, 6, 3)).astype(np.float32)
    numbers_model.export(tmp_path / "m.c")
    assert "#include" in (tmp_path / "m.c").read_text()
    lstm = sluice.Model(numbers_core(cell="lstm"))
    lstm.export(tmp_path / "m.onnx")
    again = sluice.import_model(tmp_path / "m.onnx")
    assert np.allclose(again.predict(X), lstm.predict(X), atol=1e-6)
    with pytest.raises(sluice.UsageError, match="expected a file that ends in"):
        lstm.export(tmp_path / "m.xyz")
    with pytest.raises(sluice.UsageError, match="system: expected c, pytorch"):
        lstm.export(tmp_path / "m.xyz", to="xyz")
    with pytest.raises(sluice.FailedError):
        lstm.export(tmp_path / "m.onnx")
    with pytest.raises(TypeError, match="did you mean 'parts'"):
        sluice.import_model(tmp_path / "m.onnx", part="gru")


def test_precision_is_of_a_copy(numbers_model):
    small = numbers_model.with_precision("int8")
    assert (small.info["precision"], numbers_model.info["precision"]) == ("int8", "f32")
    with pytest.raises(sluice.UsageError, match="precision: expected"):
        numbers_model.with_precision("f8")


def test_a_thousand_models_come_and_go_without_growth():
    import resource

    def pages():
        with io.open("/proc/self/statm") as file:
            return int(file.read().split()[1])

    def make(count):
        for _ in range(count):
            core = numbers_core()
            stream = sluice.Stream(core)
            stream.step(np.zeros(3, np.float32))
            sluice.Model.from_bytes(core.to_bytes())

    make(500)
    before = pages()
    make(10000)
    grown = (pages() - before) * resource.getpagesize()
    assert grown < 4 << 20, f"{grown} bytes more"


def interrupted(work, after=0.3):
    """Seconds from Ctrl-C to its exception."""
    import _thread

    sent = []
    timer = threading.Timer(after, lambda: (sent.append(time.monotonic()), _thread.interrupt_main()))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        work()
    return time.monotonic() - sent[0]


def test_ctrl_c_leaves_what_takes_long():
    big = sluice.Model(numbers_core(hidden=512))
    words = sluice.train(text=small_text(), hidden=512, epochs=1, progress=False)
    rows, stream = np.zeros((100_000, 3), np.float32), big.stream()
    layer = sluice.nn.GRU(64, 512)
    x = np.zeros((1000, 32, 64), np.float32)
    y = [layer(x) for _ in range(3)][0][0]  # which has taken the memory of the passes
    text = small_text() * 100
    # Half a second, since a machine may be busy; each of them takes many.
    for work in (lambda: stream.feed(rows), lambda: words.stream().feed(text), lambda: words.score(text),
                 lambda: words.explain(text[:50_000], quick=True), lambda: [layer(x) for _ in range(10)]):
        assert interrupted(work) < 0.5
    layer(x)
    assert interrupted(lambda: layer.backward(np.ones_like(y)), 0.1) < 0.5
    # What was given up can be done again.
    short, other = np.ones((2, 1, 64), np.float32), sluice.nn.GRU(64, 512)
    other.load_state_dict(layer.state_dict())
    assert np.array_equal(layer(short)[0], other(short)[0])
    stream.reset()
    assert np.array_equal(stream.feed(rows[:5]), big.stream().feed(rows[:5]))


def test_ctrl_c_leaves_a_long_prediction(numbers_model):
    import _thread
    import signal

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it
    big = sluice.Model(numbers_core(hidden=512))
    X = np.zeros((400, 200, 3), np.float32)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in range(100):
                big.predict(X, threads=1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - start < 1.0


