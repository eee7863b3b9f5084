"""Training that is interrupted: what a signal leaves behind, and that going on ends with the bits of a run that was
never interrupted."""

import json
import random
import signal
import time

import pytest

from conftest import LONG, but, has_target, refused, sluice, start, tensors

@pytest.fixture(scope="module", params=["gru", "lstm"])
def whole(request, text, tmp_path_factory):
    """The options of a run, the tensors it ends with, and how long it took."""
    path = tmp_path_factory.mktemp("whole") / "m.safetensors"
    options = [*LONG, "--cell", request.param]
    began = time.monotonic()
    sluice("train", text, "-o", path, *options)
    return options, tensors(path), time.monotonic() - began


def interrupt(arguments, signal_number, seconds, **options):
    """Starts a training, lets it go on for a while after its first checkpoint, and sends it a signal."""
    process = start("train", *arguments, **options)
    deadline = time.monotonic() + 30
    checkpoint = arguments[2].with_name(arguments[2].name + ".checkpoint")
    while not checkpoint.exists() and process.poll() is None:
        assert time.monotonic() < deadline, "no checkpoint within 30 seconds"
        time.sleep(0.002)
    time.sleep(seconds)
    process.send_signal(signal_number)
    process.communicate(timeout=30)
    return process.returncode


@pytest.mark.parametrize("signal_number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_resumed_equals_uninterrupted(text, tmp_path, whole, signal_number, code):
    options, expected, seconds = whole
    path = tmp_path / "m.safetensors"
    assert interrupt([text, "-o", path, *options], signal_number, seconds / 4) == code
    assert not path.exists(), "a model is written when training is done"
    sluice("train", text, "-o", path, *options, "--resume", "--log", tmp_path / "log")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert lines[0]["kind"] == "start" and lines[0]["resumed"]
    assert next(line for line in lines if line["kind"] == "update")["update"] > 50, "it went on and did not begin anew"
    assert tensors(path) == expected
    (tmp_path / "log").unlink()
    left = [file.name for file in tmp_path.iterdir()]
    assert left == [path.name], "the checkpoint is gone when the model is there, and so is what a kill may have left"


def test_killed_again_and_again(text, tmp_path, whole):
    options, expected, seconds = whole
    path = tmp_path / "m.safetensors"
    interrupt([text, "-o", path, *options], signal.SIGKILL, seconds / 10)
    chance = random.Random(1)
    for _ in range(4):
        process = start("train", text, "-o", path, *options, "--resume")
        time.sleep(chance.uniform(0, seconds / 6))
        process.kill()
        process.communicate()
    if not path.exists():
        sluice("train", text, "-o", path, *options, "--resume")
    assert tensors(path) == expected


def test_a_signal_says_how_to_go_on(text, tmp_path):
    path = tmp_path / "m.safetensors"
    process = start("train", text, "-o", path, *but(LONG, "--epochs=1000"))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"--resume" in err


def test_resume_with_other_options_is_refused(text, tmp_path):
    path = tmp_path / "m.safetensors"
    interrupt([text, "-o", path, *LONG], signal.SIGTERM, 0.1)
    refused("train", text, "-o", path, *but(LONG, "--hidden=32"), "--resume", code=3, names=["checkpoint", "24", "32"])
    other = tmp_path / "other.txt"
    other.write_text(text.read_text() * 2)
    refused("train", other, "-o", path, *LONG, "--resume", code=3, names=["text"])


@pytest.mark.parametrize("first, second", [("AVX2", "AVX3"), ("SSE4", "SCALAR"), ("AVX2", "SSE4")])
def test_resume_on_another_instruction_set(text, tmp_path, first, second):
    """It goes on to the same bits, or is refused."""
    for target in first, second:
        if not has_target(target):
            pytest.skip(f"this machine has no {target}")
    path, options = tmp_path / "m.safetensors", but(LONG, "--cell=lstm", "--epochs=30")
    whole = tmp_path / "whole.safetensors"
    sluice("train", text, "-o", whole, *options, env={"SLUICE_TARGET": first})
    assert interrupt([text, "-o", path, *options], signal.SIGTERM, 0.1, env={"SLUICE_TARGET": first}) == 143
    arguments = ["train", text, "-o", path, *options, "--resume"]
    if {first, second} == {"AVX2", "SSE4"}:
        refused(*arguments, code=3, names=["arithmetic", "fused", "SLUICE_TARGET"], env={"SLUICE_TARGET": second})
        second = first
    _, err = sluice(*arguments, env={"SLUICE_TARGET": second})
    assert "instruction set" not in err
    assert tensors(path) == tensors(whole)


def test_resume_without_a_checkpoint(text, tmp_path):
    refused("train", text, "-o", tmp_path / "m.safetensors", *LONG, "--resume", code=3, names=["checkpoint"])


def test_resume_with_a_damaged_checkpoint(text, tmp_path):
    path = tmp_path / "m.safetensors"
    interrupt([text, "-o", path, *LONG], signal.SIGTERM, 0.1)
    (checkpoint,) = tmp_path.iterdir()
    content = checkpoint.read_bytes()
    for damaged in content[:-1], content[:1000], content[:-500] + b"\1" + content[-499:]:
        checkpoint.write_bytes(damaged)
        refused("train", text, "-o", path, *LONG, "--resume", code=3, names=[checkpoint])
