"""Runs that meet each other, a full disk, a limit, or no luck: what is the user's is not lost, nothing is left over, and
what happened is said."""

import json
import os
import resource
import signal
import subprocess
import time

import pytest

from conftest import LONG, TINY, but, refused, sluice, sluice_json, start

ENDLESS = but(LONG, "--epochs=100000")


def wait_for(path):
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path} within 30 seconds"
        time.sleep(0.01)


def stop(process, signal_number=signal.SIGTERM):
    process.send_signal(signal_number)
    process.communicate(timeout=30)
    return process.returncode


def model_bytes(text, path):
    sluice("train", text, "-o", path, *TINY)
    return path.read_bytes()


# ---- Two runs ----


def test_a_second_run_on_the_same_output_is_refused(text, tmp_path):
    model = tmp_path / "m.safetensors"
    first = start("train", text, "-o", model, *ENDLESS)
    wait_for(tmp_path / "m.safetensors.checkpoint")
    lock = tmp_path / "m.safetensors.lock"
    refused("train", text, "-o", model, *TINY, "--force", code=1, names=[model, lock, f"process {first.pid}"])
    # The same checkpoint for another output.
    refused("train", text, "-o", tmp_path / "other", "--checkpoint", f"{model}.checkpoint", *TINY, "--force", code=1,
            names=[f"{model}.checkpoint.lock", f"process {first.pid}"])
    assert stop(first) == 143
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.safetensors.checkpoint"]
    second = start("train", text, "-o", model, *ENDLESS, "--resume")
    time.sleep(0.5)
    assert second.poll() is None, "the first run's checkpoint is whole and goes on"
    stop(second)


def test_a_kill_leaves_nobody_locked_out(text, tmp_path):
    model = tmp_path / "m.safetensors"
    first = start("train", text, "-o", model, *ENDLESS)
    wait_for(tmp_path / "m.safetensors.checkpoint")
    assert stop(first, signal.SIGKILL) == -9
    sluice("train", text, "-o", model, *TINY, "--force")
    assert [path.name for path in tmp_path.iterdir()] == [model.name]


@pytest.mark.parametrize("name", ["m.safetensors.lock", "m.safetensors.checkpoint.lock", "log.lock"])
def test_a_lock_file_of_somebody_else_is_left_alone(text, tmp_path, name):
    mine = tmp_path / name
    mine.write_text("4711")
    arguments = ["train", text, "-o", tmp_path / "m.safetensors", *TINY, "--log", tmp_path / "log"]
    refused(*arguments, code=1, names=[mine, "left as it is"])
    assert mine.read_text() == "4711" and list(tmp_path.iterdir()) == [mine]
    mine.unlink()
    sluice(*arguments)


def test_what_is_no_checkpoint_is_not_replaced(text, tmp_path):
    mine, model = tmp_path / "m.checkpoint", tmp_path / "m"
    for content in ("my notes", model_bytes(text, tmp_path / "other")):
        mine.write_bytes(content if isinstance(content, bytes) else content.encode())
        before = mine.read_bytes()
        for options in [], ["--force"]:
            refused("train", text, "-o", model, *TINY, *options, code=1, names=[mine, "checkpoint", "left as it is"])
        refused("train", text, "-o", model, *TINY, "--resume", code=3, names=[mine])
        assert mine.read_bytes() == before and not model.exists()
    mine.unlink()
    os.mkfifo(mine)
    refused("train", text, "-o", model, *TINY, "--force", code=1, names=[mine, "another kind of file"])
    assert mine.is_fifo()
    mine.unlink()
    mine.touch()
    sluice("train", text, "-o", model, *TINY, "--force")
    assert not mine.exists()


def test_one_log_for_two_runs_is_refused(text, tmp_path):
    first = start("train", text, "-o", tmp_path / "a", *ENDLESS, "--log", tmp_path / "log")
    wait_for(tmp_path / "log")
    refused("train", text, "-o", tmp_path / "b", *TINY, "--force", "--resume", "--log", tmp_path / "log", code=1,
            names=[tmp_path / "log.lock"])
    stop(first)


def test_compare_and_demo_lock_what_they_write(text, tmp_path):
    page = tmp_path / "page.html"
    first = start("compare", text, *but(ENDLESS, "--cells=gru"), "--html", page)
    wait_for(tmp_path / "page.html.lock")
    refused("compare", text, *TINY, "--cells", "gru", "--html", page, "--force", code=1,
            names=[page, f"process {first.pid}"])
    stop(first)
    demo = start("demo", "-o", tmp_path / "demo", "-q")
    wait_for(tmp_path / "demo/gru.safetensors.lock")
    refused("demo", "-o", tmp_path / "demo", "-q", code=1, names=[f"process {demo.pid}"])
    stop(demo)
    assert list(tmp_path.iterdir()) == []


# ---- A full disk ----


def limited(most):
    """A limit on the size of files, as ulimit -f sets it, stands for a disk that is full in the middle of a write."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))}


def test_a_log_that_is_lost_is_said(text, tmp_path):
    model = tmp_path / "m"
    _, err = sluice("train", text, "-o", model, *TINY, "-q", "--log", "/dev/full", code=1)
    assert err == "sluice: /dev/full: the log is not whole: No space left on device\n"
    assert model.exists(), "the training is not lost with its log"


def test_a_log_ends_with_a_whole_line(text, tmp_path):
    log, most = tmp_path / "log", 60000
    _, err = sluice("train", text, "-o", tmp_path / "m", *but(TINY, "--hidden=4", "--epochs=10"), "--log", log,
                    "--max-vocabulary=20", code=1, **limited(most))
    assert "the log is not whole: File too large" in err and "training goes on" in err
    content = log.read_bytes()
    assert most - 400 < len(content) <= most
    assert content.endswith(b"\n")
    for line in content.splitlines():
        json.loads(line)


def test_a_model_too_large_for_the_limit(text, tmp_path):
    model = tmp_path / "m"
    model.write_text("the user's own")
    refused("train", text, "-o", model, *TINY, "--force", "-q", code=1, names=[model, "File too large"],
            **limited(2000))
    assert model.read_text() == "the user's own"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_checkpoint_that_cannot_be_written_ends_nothing(text, tmp_path):
    """A full disk while it trains; there is room again when the model is saved."""
    model, disk = tmp_path / "m", tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("no right to mount a small disk")
    try:
        _, err = sluice("train", text, "-o", model, "--checkpoint", disk / "c", *TINY)
        assert "no checkpoint after update" in err and "No space left on device" in err
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
    assert model.exists()


@pytest.fixture(scope="module")
def failing_folders(tmp_path_factory):
    """A library to preload, with which no folder reaches the disk."""
    folder = tmp_path_factory.mktemp("shim")
    (folder / "fsync.c").write_text("""
#include <errno.h>
#include <sys/stat.h>
        int fsync(int fd) {
          struct stat info;
          if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) { errno = EIO; return -1; }
          return 0;
        }""")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "fsync.so", folder / "fsync.c"], check=True)
    return {"LD_PRELOAD": str(folder / "fsync.so")}


def test_a_folder_that_does_not_reach_the_disk(text, tmp_path, failing_folders):
    model = tmp_path / "m"
    refused("train", text, "-o", model, *TINY, "-q", code=1, env=failing_folders,
            names=[model, "its folder did not reach the disk", "Input/output error", "--resume"])


def test_header_and_source_are_both_written_or_neither(models, tmp_path):
    source, header = tmp_path / "m.c", tmp_path / "m.h"
    arguments = ["export", models["gru"], "--to", "c", "-o", source, "--header", header, "--force"]
    source.write_text("old source")
    header.write_text("old header")
    refused(*arguments, code=1, names=[source, "File too large"], **limited(6000))
    assert header.read_text() == "old header" and source.read_text() == "old source"
    assert len(list(tmp_path.iterdir())) == 2
    sluice(*arguments)
    assert '#include "m.h"' in source.read_text() and "old" not in header.read_text()
    assert 1000 < header.stat().st_size < 6000 < source.stat().st_size, "or the limit would not stand between them"


# ---- No luck ----


@pytest.mark.parametrize("options", [["--lr=100"], ["--lr=100", "--cell=lstm"],
                                     ["--optimizer=sgd", "--lr=1e5", "--schedule=constant"]])
def test_training_that_diverges_loses_nothing(text, tmp_path, options):
    model = tmp_path / "m"
    sluice("train", text, "-o", model, *TINY)
    good = model.read_bytes()
    _, err = sluice("train", text, "-o", model, *but(TINY, "--epochs=20"), *options, "--force", code=4)
    assert "diverged" in err and "lower learning rate" in err
    assert model.read_bytes() == good


@pytest.mark.parametrize("options", [[], ["--optimizer=sgd", "--lr=1e30", "--clip-norm=0"]])
def test_after_a_run_that_diverged_its_advice_works_as_typed(text, tmp_path, options):
    arguments = ["train", text, "-o", tmp_path / "m", *but(TINY, "--epochs=5"), "--checkpoint-seconds=0"]
    diverged = [*arguments, *(options or ["--lr=100", "--cell=lstm"])]
    assert "try a much lower learning rate" in sluice(*diverged, code=4)[1]
    assert list(tmp_path.iterdir()) == []
    sluice(*arguments, *but(options, "--lr=.01"))
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_model_no_better_than_a_guess_is_called_so(text, tmp_path):
    model = tmp_path / "m"
    out, err = sluice("train", text, "-o", model, *TINY, "--lr=1e-9")
    assert "no better than a guess" in err and "no better than a guess" in out
    useless = sluice_json("train", text, "-o", model, *TINY, "--lr=1e-9", "--force", "-q")
    assert useless["worse_than_guess"] is True and useless["guess_loss"] <= useless["validation_loss"]
    good = sluice_json("train", text, "-o", model, *but(TINY, "--epochs=20", "--lr=0.01"), "--force", "-q")
    assert good["worse_than_guess"] is False and good["validation_loss"] < good["guess_loss"]


def test_max_seconds_holds_for_all(text, tmp_path):
    """A text of which nine tenths are validated on, which alone takes longer than the limit."""
    long_text = tmp_path / "long.txt"
    long_text.write_text(text.read_text() * 100)
    began = time.monotonic()
    result = sluice_json("train", long_text, "-o", tmp_path / "m", *but(TINY, "--hidden=256", "--epochs=1000"),
                         "--validation-split=0.9", "--no-tied", "--calibrate-temperature", "--max-seconds=2")
    assert time.monotonic() - began < 3
    assert 0 < result["validation_tokens"] < 0.9 * result["text_tokens"]
    assert result["tokens"] > 0


PIECE = " ; ".join(str(60 + i % 12) for i in range(200)) + "\n"


@pytest.mark.parametrize("line, options", [("Ada likes the red house.\n", []), ("Ada likes the red house.\n", ["--validation"]),
                                           (PIECE, ["--task=music"])], ids=["text", "validation", "music"])
def test_what_takes_longer_to_read_than_there_is_time_is_given_up(text, tmp_path, line, options):
    long_text = tmp_path / "long.txt"
    long_text.write_text(line * (80_000_000 // len(line)))
    files = [text, *options, long_text] if options == ["--validation"] else [long_text, *options]
    began = time.monotonic()
    refused("train", *files, "-o", tmp_path / "m", *but(TINY, "--batch=1"), "--max-seconds=.1", code=1,
            names=["max-seconds", long_text, "takes longer to read", "nothing was trained"])
    assert time.monotonic() - began < 1
    assert list(tmp_path.iterdir()) == [long_text]


def test_no_time_no_model(text, tmp_path):
    model = tmp_path / "m"
    refused("train", text, "-o", model, *TINY, "--max-seconds=0.001", code=1, names=["max-seconds", "nothing was trained"])
    assert list(tmp_path.iterdir()) == []
