"""Every argument of every public function, wrong in turn: an exception of Python's each time, never a crash."""

import gc
import inspect
import sys

import numpy as np
import pytest

import sluice
from conftest import TINY, numbers_core, small_text
from sluice import nn


class Odd:
    """Whatever is asked of it, it raises."""

    def __getattr__(self, name):
        raise RuntimeError(f"no {name}")

    def __len__(self):
        raise RuntimeError("no length")

    def __iter__(self):
        raise RuntimeError("no items")

    def __index__(self):
        raise RuntimeError("no number")

    def __float__(self):
        raise RuntimeError("no number")

    def __bool__(self):
        raise RuntimeError("no truth")


class Long(list):
    """Says that it is long, and is not."""

    def __len__(self):
        return 1000


HUGE = 2**31
WRONG = [None, True, -1, 0, HUGE, 2**64, -(2**70), 1.5, float("nan"), float("inf"), "", "x", "\0", "\ud800", "é" * 1000, b"",
         b"\xff" * 64, [], [1], [[1], [2, 3]], {}, {"a": 1}, (), set(), object(), Odd(), Long(), len, type, sys, ...,
         np.zeros(0, np.float32), np.zeros((0, 3), np.float32), np.zeros((2, 0, 3)), np.zeros((1,) * 20, np.float32),
         np.full((2, 3), np.nan, np.float32), np.zeros(3, complex), np.array([None]), np.array("text"),
         np.zeros((2, 3), dtype=[("a", "f4")]), np.zeros((10, 3), np.float32)[::-2], np.broadcast_to(np.float32(1), (9, 9)),
         np.arange(3)]


def calls():
    """Pairs of a name and a function of no arguments that makes (function, good arguments)."""
    text = small_text()
    x = np.ones((4, 2, 3), np.float32)
    numbers = sluice.Model(numbers_core())
    words = sluice.train(text=text, **TINY)
    pairs = np.zeros((8, 6), np.float32)
    pairs[::2] = 1
    labels = [0, 1] * 4
    layer = nn.LSTM(3, 5, seed=0)
    stream, texts = numbers.stream(), words.stream()
    batch = numbers.streams(2)
    state = stream.state
    fitted = sluice.SequenceClassifier(hidden=4, epochs=1, random_state=0).fit(pairs, labels)
    core = sluice._core
    yield "train", sluice.train, {"text": text, "level": "word", "validation": None, "from_model": None,
                                  "lowercase": False, "lossy": False, "min_count": 0, "max_vocabulary": 0, **TINY}
    yield "load", sluice.load, {"path": "/nowhere"}
    yield "import_model", sluice.import_model, {"path": "/nowhere", "parts": "gru", "silence": 1, "tolerance": 0.1}
    yield "explain", sluice.explain, {"model": words, "text": "Ada likes", "at": 1, "answer": "the", "top": 2}
    yield "complete", words.complete, {"prompt": "Ada", "n": 2, "temperature": 1.0, "top_p": 0.9, "top_k": 2, "seed": 1,
                                       "stop": ["x"]}
    yield "candidates", words.candidates, {"prompt": "Ada", "k": 2}
    yield "eval", words.eval, {"text": text, "batch": 1, "threads": 1}
    yield "score", words.score, {"text": "Ada likes"}
    yield "encode", words.encode, {"text": "Ada"}
    yield "decode", words.decode, {"tokens": [1]}
    yield "predict", numbers.predict, {"X": x, "batch": 2, "threads": 1, "like": None}
    yield "stream", numbers.stream, {"state": state}
    yield "streams", numbers.streams, {"n": 2}
    yield "with_precision", numbers.with_precision, {"precision": "f32"}
    yield "save", numbers.save, {"path": "/nowhere/at/all"}
    yield "export", numbers.export, {"path": "/nowhere/at/all", "to": "onnx"}
    yield "from_bytes", sluice.Model.from_bytes, {"data": numbers.to_bytes(), "name": "m"}
    yield "Model", sluice.Model, {"core": numbers._core}
    yield "State", sluice.State, {"bytes": bytes(state)}
    yield "Stream", sluice.Stream, {"model": numbers._core}
    yield "StreamBatch", sluice.StreamBatch, {"model": numbers._core, "streams": 2}
    yield "Stream.step", stream.step, {"x": x[0, 0]}
    yield "Stream.step out", stream.step, {"x": x[0, 0], "out": np.zeros(2, np.float32)}
    yield "Stream.feed", stream.feed, {"x": x[:, 0]}
    yield "Stream.step of text", texts.step, {"x": 1}
    yield "Stream.feed of text", texts.feed, {"x": "Ada"}
    yield "Stream.step like", stream.step, {"x": x[0, 0], "like": "numpy"}
    yield "Stream.feed like", stream.feed, {"x": x[:, 0], "like": "numpy"}
    yield "StreamBatch.step like", batch.step, {"x": x[0], "like": "numpy"}
    yield "Stream.top", texts.top, {"k": 2}
    yield "Stream.sample", texts.sample, {"random": 0.5, "temperature": 1.0, "top_p": 1.0, "top_k": 1}
    yield "StreamBatch.step", batch.step, {"x": x[0]}
    yield "StreamBatch.state", batch.state, {"stream": 0}
    yield "StreamBatch.set_state", batch.set_state, {"stream": 0, "state": state}
    yield "StreamBatch.reset", batch.reset, {"stream": 0}
    yield "set_num_threads", sluice.set_num_threads, {"threads": 1}
    yield "nn.LSTM", nn.LSTM, {"input_size": 3, "hidden_size": 4, "num_layers": 1, "dropout": 0.1, "seed": 1}
    yield "nn.LSTM()", layer.forward, {"x": x, "hx": (np.zeros((1, 2, 5)), np.zeros((1, 2, 5))), "lengths": [4, 2],
                                       "like": None}
    yield "nn.LSTM.load_state_dict", layer.load_state_dict, {"state": layer.state_dict()}

    def backward(dy, dh_n):
        layer(x)
        return layer.backward(dy, dh_n)

    yield "nn.LSTM.backward", backward, {"dy": np.zeros((4, 2, 5)), "dh_n": (np.zeros((1, 2, 5)), np.zeros((1, 2, 5)))}
    yield "nn.GRUCell", nn.GRUCell(3, 4), {"x": x[0], "hx": np.zeros((2, 4))}
    small = {"hidden": 4, "epochs": 1, "random_state": 0}
    yield "classifier", lambda **o: sluice.SequenceClassifier(**{**small, **o}).fit(pairs, labels), {
        name: parameter.default for name, parameter in inspect.signature(sluice.SequenceClassifier).parameters.items()
        if name not in ("hidden", "epochs")}
    yield "classifier.fit", lambda **o: sluice.SequenceClassifier(**small).fit(**o), {"X": pairs, "y": labels,
                                                                                     "sample_weight": [1.0] * 8}
    yield "classifier.predict", fitted.predict, {"X": pairs}
    yield "tagger.fit", lambda **o: sluice.SequenceTagger(embedding=4, **small).fit(**o), {
        "X": [["a", "b"], ["b"]], "y": [["x", "y"], ["x"]], "sample_weight": [1.0, 2.0]}
    yield "tagger", lambda **o: sluice.SequenceTagger(**{**small, **o}).fit([["a", "b"], ["b"]], [["x", "y"], ["x"]]), {
        name: parameter.default for name, parameter in inspect.signature(sluice.SequenceTagger).parameters.items()
        if name not in ("hidden", "epochs")}
    vocabulary = core.words_vocabulary(["a", "b"], 1, False)
    yield "words_vocabulary", core.words_vocabulary, {"words": ["a"], "min_count": 1, "shapes": True}
    yield "characters_of", core.characters_of, {"words": ["a"]}
    yield "sentences", core.sentences, {"words": ["a", "b"], "starts": [0, 2], "vocabulary": vocabulary, "alphabet": "ab",
                                        "labels": [0, 1], "weights": [1.0, 1.0]}
    yield "with_tags", core.with_tags, {"model": numbers._core, "classes": ["x"], "alphabet": ""}
    yield "alphabet_of", core.alphabet_of, {"model": numbers._core}
    yield "language.fit", lambda **o: sluice.LanguageModel(hidden=4, epochs=1, random_state=0).fit(**o), {"X": [text]}
    table = {"x": np.sin(np.arange(60.0)), "z": np.arange(60.0) % 7}
    quick = {**small, "lookback": 8}
    for name, kind in (("forecaster", sluice.Forecaster), ("detector", sluice.AnomalyDetector)):
        yield name, (lambda kind: lambda **o: kind(**{**quick, **o}).fit(table))(kind), {
            parameter.name: parameter.default for parameter in inspect.signature(kind).parameters.values()
            if parameter.name not in ("hidden", "epochs")}
        yield f"{name}.fit", kind(**quick).fit, {"X": table, "y": None}
    forecaster = sluice.Forecaster("x", horizon=2, future="z", **quick).fit(table)
    yield "forecaster.predict", forecaster.predict, {"X": table, "future": {"z": [1.0, 2.0]}, "state": None,
                                                     "return_state": True}
    yield "forecaster.evaluate", forecaster.evaluate, {"X": table, "training": table}
    detector = sluice.AnomalyDetector(**quick).fit(table)
    yield "detector.detect", detector.detect, {"X": table, "state": None, "return_state": True}
    yield "detector.predict", detector.predict, {"X": table}
    for kind in (sluice.Forecaster, sluice.AnomalyDetector):
        yield "from_model", kind.from_model, {"model": numbers}
        yield "load", kind.load, {"path": "/nowhere"}
    # The module beneath.
    yield "Table", core.Table, {"name": "X", "columns": [("x", "number", np.arange(3.0)), ("t", "integer", np.arange(3))]}
    for part in range(3):
        yield "Table", (lambda part: lambda value: core.Table("X", [tuple(
            value if i == part else good for i, good in enumerate(("x", "number", [1.0, 2.0])))]))(part), {"value": "x"}
    for kind in ("number", "text", "integer", "date", "second", "utc fraction"):
        yield f"Table {kind}", (lambda kind: lambda value: core.Table("X", [("x", kind, value)]))(kind), {"value": [1]}
    yield "Table.from_file", core.Table.from_file, {"path": "/nowhere"}
    rows = core.Table("X", [("x", "number", table["x"])])
    for part in ("options", "network", "training"):
        for field in ("targets", "quantiles", "lookback", "hidden", "epochs", "missing", "test_split"):
            yield f"Forecaster {part} {field}", (lambda part, field: lambda value: core.Forecaster(
                rows, **{**{"options": {}, "network": {"hidden": 4}, "training": {"epochs": 1}}, part: {field: value}}))(
                part, field), {"value": None}
    yield "Forecaster", core.Forecaster, {"table": rows, "options": {}, "network": {"hidden": 4}, "training": {"epochs": 1}}
    bare = core.Forecaster(rows, {"lookback": 8, "horizon": 2}, {"hidden": 4}, {"epochs": 1})
    yield "Forecaster.train", bare.train, {"report": None}
    yield "Forecaster.predict", bare.predict, {"table": rows, "future": None, "state": None, "with_state": True, "threads": 1}
    yield "Forecaster.evaluate", bare.evaluate, {"table": rows, "training": None, "threads": 1}
    yield "Forecaster.from_model", core.Forecaster.from_model, {"model": numbers._core, "name": "x"}
    yield "Layers", core.Layers, {"options": {"cell": "gru", "inputs": 3, "hidden": 4}}
    weights = [np.asarray(p) for p in layer.parameters()]
    yield "Layers.forward", layer._layers.forward, {"x": x, "weights": weights, "lengths": None, "h0": None, "c0": None,
                                                    "keep": True, "seed": 0}
    yield "Sequences", core.Sequences, {"x": x[:, 0], "starts": [0, 1, 4], "labels": np.array([0, 1]),
                                        "targets": None, "weights": None, "per_step": False, "tokens": False}
    yield "Vocabulary", core.Vocabulary, {"tokens": ["<unk>", "a"], "level": "word"}
    yield "make_model", core.make_model, {"network": {"inputs": 3, "outputs": 2, "hidden": 4}, "seed": 1}
    for field in ("stack", "head", "scaling", "hidden", "cell"):
        yield f"make_model {field}", (lambda field: lambda value: core.make_model(
            {"inputs": 3, "outputs": 2, field: value}, 1))(field), {"value": None}
    yield "page", core.page, {"explanation": "{}"}


@pytest.mark.filterwarnings("ignore")
def test_every_argument_wrong_in_turn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried = 0
    for name, function, good in calls():
        for parameter in good:
            for wrong in WRONG:
                if name == "set_num_threads" and isinstance(wrong, int) and wrong > 8:
                    continue
                # Sizes that are numbers of a kind are taken by their word, and take their time.
                if parameter in ("n", "epochs", "threads", "hidden_size", "input_size", "num_layers") and wrong is HUGE:
                    continue
                try:
                    function(**{**good, parameter: wrong})
                except Exception as error:
                    assert str(error) is not None, (name, parameter, wrong)
                    assert not isinstance(error, (SystemError, UnboundLocalError)), (name, parameter, wrong, error)
                tried += 1
    assert tried > 2000
    sluice.set_num_threads(0)
    gc.collect()
    # After all that, everything works as before.
    assert sluice.Stream(numbers_core()).step(np.ones(3, np.float32)).shape == (2,)
