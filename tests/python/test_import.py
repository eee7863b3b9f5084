"""sluice import: models of other systems, from the command line."""

import json
import math
import os
import pathlib
import subprocess
import sys

import pytest

from conftest import COMMAND, ROOT, refused, sluice, sluice_json

FOREIGN = os.environ.get("SLUICE_FOREIGN_MODELS")
SEEDS = ROOT / "fuzz/corpus"
KERAS = SEEDS / "foreign_keras_fuzz/sample.keras"
TORCH = SEEDS / "foreign_torch_fuzz/sample.pth"
RTNEURAL = SEEDS / "foreign_json_fuzz/rtneural.json"


def test_what_a_file_says_is_listed_with_its_first_outputs():
    out, _ = sluice("import", KERAS)
    assert "gru-reset-after" in out and "1 -> 2" in out and "Nothing was proved" in out, out
    read = sluice_json("import", KERAS)
    assert [part["parameters"] for part in read["parts"]] == [30, 3, 0]
    assert len(read["first_outputs"]["0"]) == 4


def test_a_check_prints_the_largest_difference_and_a_tolerance_decides(tmp_path):
    numpy = pytest.importorskip("numpy")
    io, model = tmp_path / "io.npz", tmp_path / "m.safetensors"
    x = numpy.sin(numpy.arange(4.0))[:, None]
    numpy.savez(io, in_x=x, out_y=numpy.zeros((4, 1)))
    check = sluice_json("import", RTNEURAL, "--check", io)["check"]
    y = sluice_json("import", RTNEURAL)["first_outputs"]["y"]
    assert check["largest_difference"] == pytest.approx(max(abs(number) for number in y)) and max(y) > 1e-3
    sluice("import", RTNEURAL, "--check", io, "--tolerance", "1")
    refused("import", RTNEURAL, "--check", io, "--tolerance", "1e-5", "-o", model, code=1,
            names=["expected differences up to 1e-05, found"])
    assert not model.exists()
    numpy.savez(io, in_x=numpy.zeros((5, 3)), out_y=numpy.zeros((5, 1)))
    refused("import", RTNEURAL, "--check", io, code=2, names=['array "in_x": expected shape [T, 1], found [5, 3]'])
    numpy.savez_compressed(io, in_x=x, out_y=x)
    refused("import", RTNEURAL, "--check", io, code=3, names=["expected it stored, found it compressed"])


def test_a_model_of_ours_computes_what_the_file_computed(tmp_path):
    model = tmp_path / "m.safetensors"
    sluice("import", TORCH, "--parts", "gru,fc", "-o", model)
    info = sluice_json("info", model)
    assert info["cell"] == "gru-reset-after" and info["notes"]["imported"]["format"] == "PyTorch state dictionary"
    # A model file has PyTorch's names and order, and so is a state dictionary again.
    first = sluice_json("import", TORCH, "--parts", "gru,fc")["first_outputs"]["y"]
    again = sluice_json("import", model, "--parts", "rnn,head")["first_outputs"]["y"]
    assert first == pytest.approx(again, abs=1e-6) and any(first)
    refused("import", TORCH, "--parts", "gru,fc", "-o", model, code=1, names=[model])


def test_a_check_is_of_the_model_as_well_and_stays_with_it(tmp_path):
    numpy = pytest.importorskip("numpy")
    io, model = tmp_path / "io.npz", tmp_path / "m.safetensors"
    y = sluice_json("import", KERAS)["first_outputs"]["0"]
    numpy.savez(io, in_0=numpy.sin(numpy.arange(4.0))[None, :, None], out_0=numpy.array(y)[None, :, None])
    read = sluice_json("import", KERAS, "--check", io, "-o", model)
    assert 0 < read["model_check"]["largest_difference"] < 1e-6 and read["check"]["largest_difference"] < 1e-7
    notes = sluice_json("info", model)["notes"]
    assert notes["imported"]["format"].startswith("Keras") and notes["source-check"] == {"sequences": 1}
    out, _ = sluice("import", KERAS, "--check", io, "-o", model, "--force")
    assert ", by the model" in out and "1 sequence of the check kept in the file" in out
    # A model whose numbers are others is written only when it is asked for.
    numpy.savez(io, in_0=numpy.sin(numpy.arange(4.0))[None, :, None], out_0=numpy.array(y)[None, :, None] + 0.01)
    refused("import", KERAS, "--check", io, "-o", tmp_path / "other", code=1,
            names=["expected differences of the model up to the tolerance 0.001, found 0.01"])
    assert not (tmp_path / "other").exists()
    sluice("import", KERAS, "--check", io, "-o", tmp_path / "other", "--tolerance", "0.1")


def test_a_check_in_json(tmp_path):
    io = tmp_path / "io.json"
    y = sluice_json("import", RTNEURAL)["first_outputs"]["y"]
    x = [[math.sin(t)] for t in range(4)]
    io.write_text(json.dumps({"inputs": x, "outputs": {"y": [[number] for number in y]}}))
    assert sluice_json("import", RTNEURAL, "--check", io)["check"]["largest_difference"] < 1e-6
    for text, sentence in {
        '{"inputs": [[1], [2, 3]], "outputs": [1]}': '"in_x": expected numbers in lists of one length, found lists of 1 and 2',
        '{"inputs": [[1], 2], "outputs": [1]}': '"in_x": expected numbers in lists of one length, found another value',
        '{"inputs": 3, "outputs": [1]}': '"in_x": expected numbers in lists of one length, found another value',
        '{"inputs": [1]}': "outputs",
        '{"inputs": [1], "outputs": [1], "more": 1}': "more",
        '{"inputs": ' + "[" * 10000 + "]" * 10000 + "}": "64",
    }.items():
        io.write_text(text)
        refused("import", RTNEURAL, "--check", io, code=3, names=[sentence])


def louder(folder):
    """A file of which the input, six decibels louder, is added to the output."""
    file = folder / "louder.json"
    file.write_text(json.dumps({**json.loads(RTNEURAL.read_text()), "in_skip": 1, "in_gain": 6}))
    return file


def test_verbs_open_files_that_say_their_network_themselves(tmp_path):
    model = tmp_path / "m.safetensors"
    sluice("import", RTNEURAL, "-o", model)
    ours, theirs = sluice_json("info", model), sluice_json("info", RTNEURAL)
    assert ours["config"] == theirs["config"] and theirs["notes"]["imported"]["file"] == str(RTNEURAL)
    for path, name in {model: "a.json", RTNEURAL: "b.json"}.items():
        sluice("export", path, "--to", "rtneural", "-o", tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    refused("export", louder(tmp_path), "--to", "onnx", "-o", tmp_path / "c", code=1,
            names=["a model file cannot hold this network"])


def test_what_is_added_to_the_outputs_is_the_model_s(tmp_path):
    model = tmp_path / "m.safetensors"
    sluice("import", SEEDS / "foreign_json_fuzz/guitarml.json", "-o", model)
    assert sluice_json("info", model)["config"]["head"]["residual"] == [0]
    refused("export", model, "--to", "onnx", "-o", tmp_path / "c", code=2, names=["features that are added to its outputs"])


def test_a_header_s_length_is_not_taken_for_onnx(tmp_path):
    """0x0508 bytes of header: a protocol buffer may begin like that."""
    model, longer = tmp_path / "m.safetensors", tmp_path / "n.safetensors"
    sluice("import", TORCH, "--parts", "gru,fc", "-o", model)
    content = model.read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length < 0x1008
    length_wanted = next(n for n in range(0x108, 0x2008, 0x100) if n >= length)
    longer.write_bytes(length_wanted.to_bytes(8, "little") + content[8:8 + length] + b" " * (length_wanted - length) +
                       content[8 + length:])
    assert sluice_json("import", longer, "--parts", "rnn,head")["format"] == "safetensors"
    # The file is another than was written, but one of ours.
    refused("info", longer, code=3, names=["metadata sluice.checksum"])


def test_what_a_model_cannot_hold_is_named(tmp_path):
    model = tmp_path / "m.safetensors"
    refused("import", louder(tmp_path), "-o", model, code=1,
            names=["a model file cannot hold this network: expected one feature to add to each output, as it is read"])
    assert not model.exists()


@pytest.mark.parametrize("arguments, sentence", [
    (["--layout", "sideways"], "--layout: expected batch-first or time-first, found 'sideways'"),
    (["--reset", "never"], "--reset: expected before or after, found 'never'"),
    (["--silence", "-1"], "--silence: expected a whole number of 0 or more, found '-1'"),
    (["--tolerance", "x"], "--tolerance: expected a number, found 'x'"),
])
def test_options_are_checked(arguments, sentence):
    refused("import", RTNEURAL, *arguments, code=2, names=[sentence])


def test_other_files_are_refused_in_one_sentence(tmp_path):
    for name, bytes_ in {"empty": b"", "text": b"hello", "lite": b"\0\0\0\0TFL3" + bytes(20), "zip": b"PK\x05\x06" + bytes(18)}.items():
        file = tmp_path / name
        file.write_bytes(bytes_)
        refused("import", file, code=3, names=[file, *(["found an empty file"] if name == "empty" else [])])


def test_models_of_other_systems_compute_what_they_did_there():
    """A folder of them: SLUICE_FOREIGN_MODELS names it."""
    if FOREIGN is None or not pathlib.Path(FOREIGN).is_dir():
        pytest.skip("SLUICE_FOREIGN_MODELS does not name a folder of models of other systems")
    pytest.importorskip("numpy")
    result = subprocess.run([sys.executable, ROOT / "scripts/check-foreign", FOREIGN], capture_output=True, text=True,
                            env={**os.environ, "SLUICE_COMMAND": COMMAND})
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
