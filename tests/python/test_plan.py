"""What `train` plans from the text and from the time: --dry-run, --minutes and their notes."""

import os
import signal
import subprocess
import sys
import time

import pytest

from conftest import refused, sluice, sluice_json, start, tensors

FAST = ["--level=char", "--hidden=32", "--threads=2"]
PLANNED = ["hidden", "dropout", "weight-dropout"]


def noted(path):
    return sluice_json("info", path)["notes"]["trained"]["options"]


def options_of(path):
    """The options in the notes of a model, as flags."""
    flags = []
    for name, value in noted(path).items():
        if isinstance(value, bool):
            flags.append(f"--{name}" if value else f"--no-{name}")
        elif value != "":
            flags.append(f"--{name}={value}")
    return flags


def again_as(path):
    """What gives its weights again: the options in its notes and the network that a plan may have chosen."""
    config = sluice_json("info", path)["config"]
    return ["--level=char", *options_of(path), *(f"--{name}={config[name]}" for name in PLANNED)]


@pytest.fixture
def hog():
    """Two processes that never rest, while the test runs."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    yield others
    for other in others:
        other.kill()
        other.wait()


def train_for(text, path, minutes, *options):
    began = time.monotonic()
    _, err = sluice("train", text, "-o", path, f"--minutes={minutes}", *options)
    return time.monotonic() - began, err


def test_minutes_are_kept_and_noted(text, tmp_path):
    path, again = tmp_path / "m", tmp_path / "again"
    seconds, err = train_for(text, path, 0.1, *FAST)
    assert 4.5 < seconds < 6.6, err
    assert "plan for" in err and "6.0 s in all" in err
    flags = options_of(path)
    assert "--minutes=0.0" in flags and "--updates=0" not in flags
    sluice("train", text, "-o", again, *again_as(path))
    assert tensors(again) == tensors(path)


def test_minutes_beside_others(text, tmp_path, hog):
    path, again = tmp_path / "m", tmp_path / "again"
    process = start("train", text, "-o", path, "--minutes=0.1", *FAST)
    began = time.monotonic()
    time.sleep(2)
    for other in hog:  # and from now on with less company
        os.kill(other.pid, signal.SIGSTOP)
    time.sleep(1)
    for other in hog:
        os.kill(other.pid, signal.SIGCONT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    assert time.monotonic() - began < 7
    sluice("train", text, "-o", again, *again_as(path))
    assert tensors(again) == tensors(path)


def test_minutes_choose_a_network_for_the_time(text, tmp_path):
    """Whatever was chosen, the notes and the network's sizes give the same weights again."""
    path, again = tmp_path / "m", tmp_path / "again"
    train_for(text, path, 0.05, "--level=char")
    sluice("train", text, "-o", again, *again_as(path))
    assert tensors(again) == tensors(path)


def test_minutes_go_on_after_a_signal(text, tmp_path):
    path = tmp_path / "m"
    process = start("train", text, "-o", path, "--minutes=0.1", "--level=char")
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and b"--resume" in err
    began = time.monotonic()
    sluice("train", text, "-o", path, "--minutes=0.1", "--level=char", "--resume")
    assert time.monotonic() - began < 5.5, "what went before is part of the time"
    again = tmp_path / "again"
    sluice("train", text, "-o", again, *again_as(path))
    assert tensors(again) == tensors(path)


def test_dry_run_prints_the_plan_and_writes_nothing(text, tmp_path):
    out, _ = sluice("train", text, "--dry-run", "--level=char", cwd=tmp_path)
    lines = out.splitlines()
    assert len(lines) == 3 and "plan for" in lines[0] and "updates" in lines[1] and "parameters" in lines[2]
    assert "e+" not in lines[1]  # how often the text is read, as people write numbers
    path = tmp_path / "m"
    plan = sluice_json("train", text, "-o", path, "--dry-run", "--level=char", "--hidden=48", "--updates=123")
    assert plan["network"]["hidden"] == 48 and plan["options"]["updates"] == 123 and plan["updates"] == 123
    assert plan["parameters"] > 0 and plan["memory_bytes"] > 0 and plan["seconds"] > 0
    assert list(tmp_path.iterdir()) == []
    refused("train", text, code=2, names=["--output"])


def test_the_plan_is_what_is_done(text, tmp_path):
    path = tmp_path / "m"
    plan = sluice_json("train", text, "--dry-run", "--level=char", "--updates=60")
    result = sluice_json("train", text, "-o", path, "--level=char", "--updates=60")
    assert result["updates"] == 60 and result["parameters"] == plan["parameters"]
    assert noted(path) == plan["options"]


def test_a_longer_text_has_a_larger_plan(text, tmp_path):
    longer = tmp_path / "longer.txt"
    longer.write_text(text.read_text() * 30)
    short, long = (sluice_json("train", file, "--dry-run", "--level=char") for file in (text, longer))
    assert long["network"]["hidden"] > short["network"]["hidden"]
    assert long["seconds"] > short["seconds"] and long["updates"] > short["updates"]


def test_what_minutes_do_not_go_with(text, tmp_path):
    for option in "--updates=5", "--stop-after=5", "--max-seconds=5", "--schedule=cosine":
        refused("train", text, "-o", tmp_path / "m", "--minutes=1", option, code=2, names=[option.split("=")[0][2:]])
    refused("train", text, "-o", tmp_path / "m", "--minutes=1e-5", code=1, names=["minutes"])
