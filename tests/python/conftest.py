"""What the tests of the command share: how it is run, a small text, small models."""

import fcntl
import json
import os
import pathlib
import pty
import struct
import subprocess
import sys
import termios

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from texts import small_text  # noqa: E402, F401

COMMAND = os.environ.get("SLUICE_COMMAND", str(ROOT / "build/sluice"))
CELLS = ["rnn", "lstm", "gru", "gru-reset-after"]
EARLIER = ROOT / "tests/goldens/earlier"
# Options of a training that takes a fraction of a second.
TINY = ["--hidden=16", "--epochs=2", "--batch=4", "--steps=8", "--threads=1"]
# And of one that takes a second or two, with all that a checkpoint has to bring back: dropout, a schedule, two layers.
LONG = ["--hidden=24", "--layers=2", "--epochs=60", "--batch=4", "--steps=8", "--dropout=0.3", "--threads=1"]


def but(options, *instead):
    """The options with some of them given another value, or added."""
    names = {option.split("=")[0] for option in instead}
    return [option for option in options if option.split("=")[0] not in names] + list(instead)


def start(*arguments, **options):
    """A running sluice, its output in pipes, English and without the colours of whoever runs the tests."""
    environment = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "CLICOLOR_FORCE"}}
    environment.update(options.pop("env", {}))
    return subprocess.Popen([COMMAND, *map(str, arguments)], stdin=options.pop("stdin", subprocess.DEVNULL),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, **options)


def sluice(*arguments, code=0, input=None, env=None, timeout=60, **options):
    """Runs it to its end and checks the exit code; returns (stdout, stderr) as text."""
    process = start(*arguments, env=env or {}, stdin=subprocess.DEVNULL if input is None else subprocess.PIPE, **options)
    try:
        out, err = process.communicate(input, timeout)
    finally:
        process.kill()
    out, err = out.decode(), err.decode()
    assert process.returncode == code, f"exit code {process.returncode}, not {code}\n{err[-2000:]}{out[-500:]}"
    return out, err


def has_target(target):
    """Whether this machine has an instruction set, as SLUICE_TARGET names it."""
    _, err = start("info", EARLIER / "gru-sgd.avx2.safetensors", env={"SLUICE_TARGET": target}).communicate(timeout=30)
    return b"SLUICE_TARGET" not in err


def sluice_json(*arguments, **options):
    """The one JSON object that --json prints."""
    out, _ = sluice(*arguments, "--json", **options)
    return json.loads(out)


def refused(*arguments, code, names, **options):
    """Expects this exit code, nothing on stdout, and on stderr one sentence that holds every word of `names`. Talk may
    stand before it, but not where the command line alone is wrong."""
    out, err = sluice(*arguments, code=code, **options)
    assert out == "" and err.endswith("\n"), err
    *talk, sentence = err.splitlines()
    assert sentence.startswith("sluice: ") and not any(line.startswith("sluice: ") for line in talk), err
    assert code != 2 or not talk, err
    for name in names:
        assert str(name) in sentence, err


def in_a_terminal(*arguments, code=0, columns=80, **environment):
    """What a person would see: the output of a run whose standard output and error are a terminal."""
    try:
        leader, follower = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be made here: {error}")
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment}
    process = subprocess.Popen([COMMAND, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=follower,
                               stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert process.wait(timeout=60) == code, shown.decode()
    return shown.decode()


def tensors(path):
    """Everything of a model file but its metadata, where the time of training stands."""
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header.pop("__metadata__", None)
    return header, content[end:]


@pytest.fixture(scope="session")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "small.txt"
    path.write_text(small_text())
    return path


@pytest.fixture(scope="session")
def models(tmp_path_factory, text):
    """One small trained model for each cell."""
    folder = tmp_path_factory.mktemp("models")
    for cell in CELLS:
        sluice("train", text, "-o", folder / f"{cell}.safetensors", "--cell", cell, *TINY)
    return {cell: folder / f"{cell}.safetensors" for cell in CELLS}


@pytest.fixture(scope="session")
def demo_models():
    """The models of sluice demo, trained once for all tests (half a minute) and kept while the command is the same."""
    folder = ROOT / "build/results/demo"
    models = {cell: folder / f"{cell}.safetensors" for cell in ("rnn", "lstm", "gru")}
    made = [path.stat().st_mtime for path in models.values() if path.exists()]
    if len(made) < len(models) or min(made) < os.stat(COMMAND).st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        sluice("demo", "-o", folder, "--quiet", "--force", timeout=900)
    return models
