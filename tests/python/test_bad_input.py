"""Every row of the list of bad input: one sentence that names file, place, expected and found; the exit code (1 failed,
2 usage, 3 bad file, 4 diverged); and no output file touched."""

import ctypes
import json
import os
import struct
import subprocess

import pytest

from conftest import COMMAND, TINY, but, refused, sluice, small_text


@pytest.fixture
def untouched(tmp_path):
    """An output folder that must stay empty."""
    folder = tmp_path / "out"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


def text_file(tmp_path, content):
    path = tmp_path / "input.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def train_refused(path, folder, *options, code=3, names=(), **more):
    return refused("train", path, "-o", folder / "m.safetensors", *but(TINY, *options), code=code, names=[*names], **more)


def test_a_missing_file(tmp_path, untouched, models):
    path = tmp_path / "nowhere.txt"
    train_refused(path, untouched, names=[path])
    refused("eval", models["gru"], path, code=3, names=[path])
    refused("compare", path, code=3, names=[path])
    for verb in "complete", "gates", "info", "eval":
        refused(verb, path, *([] if verb == "info" else ["x"]), code=3, names=[path])


def test_an_empty_file(tmp_path, untouched, models):
    path = text_file(tmp_path, "")
    train_refused(path, untouched, names=[path, "empty"])
    refused("info", path, code=3, names=[path])
    refused("eval", models["gru"], path, code=3, names=[path, "empty"])


def test_an_empty_pipe(untouched):
    train_refused("-", untouched, input=b"")


def test_a_directory(tmp_path, untouched, models):
    train_refused(tmp_path, untouched, names=[tmp_path, "director"])
    refused("info", tmp_path, code=3, names=[tmp_path, "director"])
    refused("eval", models["gru"], tmp_path, code=3, names=[tmp_path, "director"])


def without_roots_privilege():
    """Root reads everything; without two capabilities only what is its own, like everybody. (Another user could not even
    start the program where it lies in a folder of root's.)"""
    drop_from_bounding_set, override, read_search = 24, 1, 2
    for capability in override, read_search:
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)


def test_an_unreadable_file(tmp_path, untouched):
    path = text_file(tmp_path, small_text())
    path.chmod(0)
    options = {"preexec_fn": without_roots_privilege} if os.geteuid() == 0 else {}
    if subprocess.run(["cat", path], capture_output=True, **options).returncode == 0:
        pytest.skip("whoever runs this reads every file, and cannot do otherwise")
    train_refused(path, untouched, names=[path, "ermission"], **options)


def test_a_text_too_short_for_a_window(tmp_path, untouched):
    path = text_file(tmp_path, "one two three one two three\n")
    train_refused(path, untouched, "--batch=32", "--steps=64", names=[path])


def test_invalid_utf8(tmp_path, untouched, models):
    content = small_text().encode()
    offset = content.index(b"paints")
    broken = text_file(tmp_path, content[:offset] + b"\xff" + content[offset:])
    train_refused(broken, untouched, names=[broken, offset])
    refused("eval", models["gru"], broken, code=3, names=[broken, offset])
    sluice("train", broken, "-o", tmp_path / "m.safetensors", *TINY, "--lossy")
    assert (tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize("bytes_", [b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"])
def test_kinds_of_invalid_utf8(tmp_path, untouched, bytes_):
    """Cut at the end of the file, a surrogate, beyond Unicode, an overlong slash."""
    content = small_text().encode()
    path = text_file(tmp_path, content + bytes_)
    train_refused(path, untouched, names=[path, len(content)])


def test_invalid_utf8_in_a_prompt(models):
    refused("complete", models["gru"], os.fsdecode(b"Ada \xff likes"), code=3, names=["4"])


def test_a_vocabulary_of_one(tmp_path, untouched):
    path = text_file(tmp_path, "a" * 5000)
    train_refused(path, untouched, "--level=char", names=[path, "vocabulary"])


@pytest.mark.parametrize("option, value", [
    ("--hidden", "0"), ("--hidden", "-3"), ("--hidden", "many"), ("--hidden", "99999999999999999999"),
    ("--layers", "0"), ("--dropout", "1"), ("--dropout", "-0.1"), ("--dropout", "nan"), ("--epochs", "0"),
    ("--batch", "0"), ("--steps", "0"), ("--lr", "-1"), ("--lr", "nan"), ("--lr", "inf"), ("--cell", "transformer"),
    ("--optimizer", "magic"), ("--schedule", "lunar"), ("--validation-split", "1"), ("--clip-norm", "-1"),
    ("--clip", "-1"), ("--ema-decay", "1"), ("--state-reset", "2"),
    ("--level", "syllable"), ("--seed", "1.5"), ("--threads", "-1"), ("--beta1", "1"), ("--activation", "sine"),
])
def test_an_option_out_of_range(text, untouched, option, value):
    train_refused(text, untouched, f"{option}={value}", code=2, names=[option.strip("-").split("-")[0], value])


@pytest.mark.parametrize("cell, option, value", [
    ("gru", "--activation", "relu"), ("lstm", "--activation", "relu"), ("gru", "--forget-bias", "2"),
    ("rnn", "--forget-bias", "2"),
])
def test_an_option_that_the_cell_has_no_use_for(text, untouched, cell, option, value):
    train_refused(text, untouched, f"--cell={cell}", f"{option}={value}", code=2,
                  names=[f"{option[2:]}: expected the default", f"no {cell} layer uses it", value])


@pytest.mark.parametrize("option", ["--top=0", "--temp=-1", "--temp=nan", "--top-p=0", "--top-p=1.5", "-n=-1"])
def test_an_option_of_complete_out_of_range(models, option):
    refused("complete", models["gru"], "Ada", option, code=2, names=[option.split("=")[1]])


@pytest.mark.parametrize("arguments", [
    ["juggle"], ["train"], ["complete"], ["gates"], ["eval"], ["info"], ["compare"], ["train", "--no-such-option"],
])
def test_a_wrong_command_line(arguments):
    refused(*arguments, code=2, names=[])


def test_an_option_given_twice(text, untouched):
    refused("train", text, "-o", untouched / "m.safetensors", "--lr=1", "--lr=2", code=2, names=["--lr", "once"])


def test_both_names_of_an_option(text, untouched):
    refused("train", text, "-o", untouched / "m.safetensors", "--lr=1", "--learning-rate=1", code=2,
            names=["--lr", "--learning-rate"])


def test_a_mistyped_option_is_named_even_where_a_required_one_lacks(tmp_path):
    refused("train", "--epoch", "3", text_file(tmp_path, small_text()), code=2, names=["unknown option", "--epoch'"])


@pytest.mark.parametrize("option", ["--lr", "-o"])
def test_an_option_without_its_value(text, option):
    refused("train", text, option, code=2, names=["--output" if option == "-o" else option, "expected a value"])


def test_an_existing_output(text, tmp_path):
    path = tmp_path / "kept.safetensors"
    path.write_text("somebody's work")
    refused("train", text, "-o", path, *TINY, code=1, names=[path, "--force"])
    assert path.read_text() == "somebody's work"
    sluice("train", text, "-o", path, *TINY, "--force")
    assert path.stat().st_size > 1000


def test_an_output_in_no_folder(text, tmp_path):
    path = tmp_path / "no/such/m.safetensors"
    refused("train", text, "-o", path, *TINY, code=1, names=[path])


def test_an_output_that_is_a_folder(text, tmp_path):
    refused("train", text, "-o", tmp_path, *TINY, "--force", code=1, names=[tmp_path])


def test_a_full_disk(text, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"cannot mount a small disk: {mount.stderr.strip()}")
    try:
        path = disk / "m.safetensors"
        refused("train", text, "-o", path, *but(TINY, "--hidden=64"), code=1, names=[path, "space"])
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_standard_output_that_is_full(models):
    with open("/dev/full", "w") as full:
        result = subprocess.run([COMMAND, "info", models["gru"]], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("sluice: ") and result.stderr.count("\n") == 1


def test_a_rate_that_diverges(text, untouched):
    err = sluice("train", text, "-o", untouched / "m.safetensors", *TINY, "--lr", "1e30", "--clip-norm", "0",
                 "--optimizer", "sgd", "--cell", "rnn", "--activation", "relu", code=4)[1]
    assert err.strip().splitlines()[-1].startswith("sluice: ")


# Model files.


def read_model(path):
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def write_model(path, header, data):
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_a_truncated_model(models, tmp_path):
    content = models["gru"].read_bytes()
    path = tmp_path / "cut.safetensors"
    for size in [1, 7, 8, 9, 100, len(content) // 2, len(content) - 4, len(content) - 1]:
        path.write_bytes(content[:size])
        refused("info", path, code=3, names=[path])
    path.write_bytes(content + b"\0")
    refused("info", path, code=3, names=[path])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_one_flipped_bit(models, tmp_path, cell):
    """Anywhere: in the length, the header, every part of the data, any bit of a byte."""
    content = models[cell].read_bytes()
    path = tmp_path / "flipped.safetensors"
    places = [*range(8), *range(8, len(content), len(content) // 60), len(content) - 1]
    for number, place in enumerate(places):
        flipped = bytearray(content)
        flipped[place] ^= 1 << number % 8
        path.write_bytes(flipped)
        refused("complete", path, "Ada likes", code=3, names=[path])


def test_a_wrong_shape(models, tmp_path):
    header, data = read_model(models["gru"])
    for name in [name for name in header if name != "__metadata__"]:
        changed = json.loads(json.dumps(header))
        shape = changed[name]["shape"]
        changed[name]["shape"] = [shape[0] * shape[1]] if len(shape) == 2 else [shape[0] // 2, 2]
        refused("info", write_model(tmp_path / "m.safetensors", changed, data), code=3, names=[name])


def test_weights_that_are_no_numbers(models, tmp_path):
    header, data = read_model(models["gru"])
    for bad in struct.pack("<f", float("nan")), struct.pack("<f", float("inf")):
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            place = entry["data_offsets"][0]
            changed = data[:place] + bad + data[place + 4:]
            refused("info", write_model(tmp_path / "m.safetensors", header, changed), code=3, names=[name])


def changed_metadata(models, tmp_path, old, new):
    """The model with its metadata changed as text: old must occur."""
    header, data = read_model(models["gru"])
    metadata = json.dumps(header["__metadata__"])
    assert old in metadata, metadata[:2000]
    header["__metadata__"] = json.loads(metadata.replace(old, new))
    return write_model(tmp_path / "m.safetensors", header, data)


def test_an_unknown_cell(models, tmp_path):
    path = changed_metadata(models, tmp_path, r"\"cell\":\"gru\"", r"\"cell\":\"elm\"")
    refused("info", path, code=3, names=[path, "elm"])


def test_a_newer_version(models, tmp_path):
    header, data = read_model(models["gru"])
    version = next(key for key in header["__metadata__"] if "version" in key or key == "sluice")
    header["__metadata__"][version] = "999"
    path = write_model(tmp_path / "m.safetensors", header, data)
    refused("info", path, code=3, names=[path, "999", "version"])


def test_a_text_is_no_model(text):
    refused("info", text, code=3, names=[text])


def test_another_program_s_safetensors(tmp_path):
    header = {"weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    path = write_model(tmp_path / "m.safetensors", header, b"\0\0\0\0")
    refused("info", path, code=3, names=[path])
