"""sluice import: models of other systems, from the command line."""

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


def test_a_check_is_of_the_model_as_well(tmp_path):
    numpy = pytest.importorskip("numpy")
    io, model = tmp_path / "io.npz", tmp_path / "m.safetensors"
    numpy.savez(io, in_0=numpy.sin(numpy.arange(4.0))[None, :, None], out_0=numpy.zeros((1, 4, 1)))
    read = sluice_json("import", KERAS, "--check", io, "-o", model)
    assert read["model_check"]["largest_difference"] == pytest.approx(read["check"]["largest_difference"], abs=1e-6)
    assert sluice_json("info", model)["notes"]["imported"]["format"].startswith("Keras")
    out, _ = sluice("import", KERAS, "--check", io, "-o", model, "--force")
    assert ", by the model" in out


def test_what_a_model_cannot_hold_is_named(tmp_path):
    model = tmp_path / "m.safetensors"
    refused("import", SEEDS / "foreign_json_fuzz/guitarml.json", "-o", model, code=1,
            names=["a model file cannot hold this network: expected one chain of layers, found"])
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
        refused("import", file, code=3, names=[file])


def test_models_of_other_systems_compute_what_they_did_there():
    """A folder of them: SLUICE_FOREIGN_MODELS names it."""
    if FOREIGN is None or not pathlib.Path(FOREIGN).is_dir():
        pytest.skip("SLUICE_FOREIGN_MODELS does not name a folder of models of other systems")
    pytest.importorskip("numpy")
    result = subprocess.run([sys.executable, ROOT / "scripts/check-foreign", FOREIGN], capture_output=True, text=True,
                            env={**os.environ, "SLUICE_COMMAND": COMMAND})
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr
