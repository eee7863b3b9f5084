"""sluice export --to pytorch, onnx, keras, rtneural and nam: what is written is read back with the same bits, and the
peers compute with it what our reference computes with the weights that the model was made of."""

import importlib.util
import json
import os
import re
import subprocess
import sys

import numpy
import pytest

from conftest import refused, sluice, sluice_json, tensors

T, B = 9, 3


class Sample:
    """Random weights under PyTorch's names, and the parts in which they run."""

    def __init__(self, seed):
        self.random, self.tensors, self.words = numpy.random.default_rng(seed), {}, []

    def put(self, name, *shape):
        self.tensors[name] = self.random.uniform(-0.7, 0.7, shape).astype("float32")

    def embedding(self, tokens, size):
        self.put("embedding.weight", tokens, size)
        return self.word("embedding")

    def recurrent(self, name, gates, inputs, hidden, layers=1, both=False, word=None):
        for k in range(layers):
            for end in ["", "_reverse"][:1 + both]:
                width = inputs if k == 0 else hidden * (1 + both)
                self.put(f"{name}.weight_ih_l{k}{end}", gates * hidden, width)
                self.put(f"{name}.weight_hh_l{k}{end}", gates * hidden, hidden)
                self.put(f"{name}.bias_ih_l{k}{end}", gates * hidden)
                self.put(f"{name}.bias_hh_l{k}{end}", gates * hidden)
        return self.word(word or name)

    def dense(self, name, inputs, outputs, activation=""):
        self.put(f"{name}.weight", outputs, inputs)
        self.put(f"{name}.bias", outputs)
        return self.word(name + activation)

    def word(self, word):
        self.words.append(word)
        return self


SAMPLES = {
    "language": lambda: Sample(1).embedding(11, 5).recurrent("gru", 3, 5, 8, layers=2).dense("fc", 8, 11).word("softmax"),
    "stream": lambda: Sample(2).dense("a", 4, 6, "=tanh").recurrent("gru", 3, 6, 7).recurrent("lstm", 4, 7, 5)
    .dense("b", 5, 3, "=elu").dense("c", 3, 2),
    "tagger": lambda: Sample(3).embedding(11, 5).recurrent("lstm", 4, 5, 6, layers=2, both=True).dense("fc", 12, 4)
    .word("softmax"),
    "sentiment": lambda: Sample(4).recurrent("gru", 3, 4, 6, both=True).word("state").dense("fc", 12, 2).word("sigmoid"),
    "forecast": lambda: Sample(5).recurrent("rnn", 1, 4, 6, word="rnn=relu").word("last").dense("a", 6, 5, "=relu").dense("fc", 5, 3),
    "mean": lambda: Sample(6).recurrent("lstm", 4, 4, 6).word("mean").dense("fc", 6, 3),
    "maximum": lambda: Sample(7).recurrent("rnn", 1, 4, 6, word="rnn=tanh").word("max").dense("fc", 6, 3),
    "amp": lambda: Sample(8).recurrent("rec", 4, 1, 8, layers=2).dense("lin", 8, 1),
    "pedal": lambda: Sample(9).recurrent("rec", 3, 1, 8).dense("lin", 8, 1),
}
FORMATS = {"onnx": SAMPLES, "keras": SAMPLES, "rtneural": ["stream", "amp", "pedal"], "nam": ["amp", "begins"]}


@pytest.fixture(params=SAMPLES)
def sample(request, tmp_path):
    return made(request.param, tmp_path)


def begins():
    """An LSTM whose state before the first step is not zeros."""
    sample = Sample(10).recurrent("rec", 4, 1, 8, word="rec:h0:c0").dense("lin", 8, 1)
    sample.put("h0", 8)
    sample.put("c0", 8)
    return sample


def made(name, folder):
    """The sample, its file and a model of it."""
    sample = {**SAMPLES, "begins": begins}[name]()
    sample.name, sample.folder, sample.model = name, folder, folder / "model.safetensors"
    numpy.savez(folder / "source.npz", **sample.tensors)
    sample.source = [folder / "source.npz", "--parts", ",".join(sample.words), "--layout", "time-first"]
    sluice("import", *sample.source, "-o", sample.model)
    sample.reads_tokens = "embedding" in sample.words
    width = 1 if sample.reads_tokens else next(iter(sample.tensors.values())).shape[-1]
    sample.x = (numpy.arange(T * B).reshape(T, B) * 7 % 11 if sample.reads_tokens
                else numpy.sin(numpy.arange(T * B * width, dtype="float32")).reshape(T, B, width))
    return sample


def agrees(sample, y):
    """Whether the reference, and our model of the weights, compute y [T, B, O] or [B, O] too."""
    io = sample.folder / "io.npz"
    numpy.savez(io, **{"in_tokens" if sample.reads_tokens else "in_x": sample.x, "out_y": y})
    sluice("import", *sample.source, "--check", io, "--tolerance", "1e-5", "-o", sample.model, "--force")


def export(sample, to, name):
    return sample.folder / name, sluice_json("export", sample.model, "--to", to, "-o", sample.folder / name)["usage"]


@pytest.mark.parametrize("to, name", [(to, name) for to, names in FORMATS.items() for name in names])
def test_what_was_exported_is_read_with_the_same_bits(to, name, tmp_path):
    sample = made(name, tmp_path)
    path, _ = export(sample, to, f"m.{to}")
    again = tmp_path / "again.safetensors"
    sluice("import", path, "-o", again)
    assert tensors(again) == tensors(sample.model)


@pytest.mark.parametrize("to", ["pytorch", "onnx", "keras", "rtneural"])
def test_a_format_that_begins_at_zeros_refuses_another_state(to, tmp_path):
    sample = made("begins", tmp_path)
    _, error = sluice("export", sample.model, "--to", to, "-o", tmp_path / "m", code=2)
    assert "expected layers that begin at zeros, found a learned initial state, which c can say" in error


def test_pytorch_s_weights_are_those_that_were_imported(sample):
    path, usage = export(sample, "pytorch", "m.safetensors")
    header, data = tensors(path)
    read = {name: numpy.frombuffer(data[slice(*at["data_offsets"])], "float32").reshape(at["shape"])
            for name, at in header.items()}
    # The modules in their order, under names of ours; two biases that are only ever added may be one.
    ours = re.findall(r'"(\w+)": nn', usage)
    theirs = list(dict.fromkeys(name.split(".")[0] for name in sample.tensors))
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs):
        for name, values in sample.tensors.items():
            if not name.startswith(their + "."):
                continue
            found = read[name.replace(their, our, 1)]
            if ".bias_ih" in name:
                other = name.replace("_ih_", "_hh_")
                values, found = values + sample.tensors[other], found + read[other.replace(their, our, 1)]
            assert ".bias_hh" in name or numpy.array_equal(values, found), name


def test_pytorch_computes_the_same(sample):
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    _, usage = export(sample, "pytorch", "m.safetensors")
    names = {"x": torch.tensor(sample.x), "tokens": torch.tensor(sample.x)}
    exec(usage, names)
    agrees(sample, names["y"].detach().numpy())


def test_onnx_runtime_computes_the_same(sample):
    runtime = pytest.importorskip("onnxruntime")
    path, usage = export(sample, "onnx", "m.onnx")
    onnx = pytest.importorskip("onnx")
    onnx.checker.check_model(str(path), full_check=True)
    assert onnx.load(str(path)).opset_import[0].version == 17
    names = {"x": sample.x, "B": B}
    exec(usage, names)
    agrees(sample, names["y"])
    # Any other number of steps and rows: the first of them, alone.
    session = runtime.InferenceSession(str(path))
    inputs = session.get_inputs()
    states = {i.name: numpy.zeros([1, 1, i.shape[2]], "float32") for i in inputs[1:]}
    if "y" in names and names["y"].ndim == 3 and states:
        whole = names["y"][:, :1]
        first, *now = session.run(None, {inputs[0].name: sample.x[:4, :1], **states})
        states = {i.name: value for i, value in zip(inputs[1:], now)}
        second = session.run(None, {inputs[0].name: sample.x[4:, :1], **states})[0]
        assert numpy.allclose(numpy.concatenate([first, second]), whole, atol=1e-6)


def test_a_model_that_streams_has_its_states_as_inputs_and_outputs(tmp_path):
    pytest.importorskip("onnx")
    import onnx
    path, _ = export(made("stream", tmp_path), "onnx", "m.onnx")
    graph = onnx.load(str(path)).graph
    assert [value.name for value in graph.input] == ["x", "h1", "h2", "c2"]
    assert [value.name for value in graph.output] == ["y", "h1_out", "h2_out", "c2_out"]


def test_keras_computes_the_same(sample):
    """In a process of its own, which may choose a backend."""
    backend = next((name for name in ["jax", "torch", "tensorflow"] if importlib.util.find_spec(name)), None)
    if importlib.util.find_spec("keras") is None or backend is None:
        pytest.skip("no keras, or none of its backends")
    path, _ = export(sample, "keras", "m.keras")
    numpy.save(sample.folder / "x.npy", numpy.swapaxes(sample.x, 0, 1))
    program = (f"import keras, numpy; m = keras.models.load_model({str(path)!r}); "
               f"numpy.save({str(sample.folder / 'y.npy')!r}, m.predict(numpy.load({str(sample.folder / 'x.npy')!r}), verbose=0))")
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "KERAS_BACKEND": backend})
    y = numpy.load(sample.folder / "y.npy")
    agrees(sample, numpy.swapaxes(y, 0, 1) if y.ndim == 3 else y)


def test_what_a_format_cannot_say_names_formats_that_can(text, tmp_path):
    model = tmp_path / "m.safetensors"
    sluice("train", text, "-o", model, "--cell=gru", "--hidden=8", "--epochs=1", "--batch=2", "--steps=8")
    for to, sentence in {
        "pytorch": "export to pytorch: expected a gru that resets after the product, the only one of this format, "
                   "found one that resets before it, which onnx, keras or c can say",
        "rtneural": "export to rtneural: expected a model on numbers, found one of tokens, which onnx, keras or c can say",
        "nam": "export to nam: expected a model on numbers, found one of tokens, which onnx, keras or c can say",
    }.items():
        refused("export", model, "--to", to, "-o", tmp_path / "out", code=2, names=[sentence])
        assert not (tmp_path / "out").exists()
    sluice("export", model, "--to", "onnx", "-o", tmp_path / "out")
    refused("export", model, "--to", "onnx", "-o", tmp_path / "out", code=1, names=[tmp_path / "out"])
    refused("export", model, "--to", "onnx", "--prefix", "p", "-o", tmp_path / "other", code=2, names=["--to: expected c"])
    refused("export", model, "--to", "java", "-o", tmp_path / "other", code=2,
            names=["--to: expected c, pytorch, onnx, keras, rtneural or nam, found 'java'"])


def test_nam_has_lstms_of_one_size_alone(tmp_path):
    refused("export", made("pedal", tmp_path).model, "--to", "nam", "-o", tmp_path / "m.nam", code=2,
            names=["expected lstm, found gru-reset-after"])


def test_files_say_their_numbers_in_full(tmp_path):
    """Every float32 of the JSON is the model's own."""
    sample = made("amp", tmp_path)
    path, _ = export(sample, "rtneural", "m.json")
    kernel = numpy.array(json.loads(path.read_text())["layers"][0]["weights"][0], "float32")
    assert numpy.array_equal(kernel.T, sample.tensors["rec.weight_ih_l0"])
