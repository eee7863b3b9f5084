"""Texts that stand apart in one (--reset-at)."""

import time

import pytest

from conftest import LONG, TINY, refused, sluice, sluice_json, small_text, start


def written(folder, name, content):
    path = folder / name
    path.write_text(content)
    return path


def test_texts_stand_apart_at_a_mark(tmp_path):
    lines = [f"{line}\n<end>" for line in small_text().splitlines()]
    text, path = written(tmp_path, "texts.txt", "<end>\n" + "\n".join(lines) + "\n"), tmp_path / "m.safetensors"
    shuffled = written(tmp_path, "shuffled.txt", "<end>\n" + "\n".join(lines[::-1]) + "\n")
    sluice("train", text, "-o", path, *TINY, "--reset-at=<end>\\n")
    notes = sluice_json("info", path)["notes"]
    assert notes["reset-at"] == "<end>\n" == notes["trained"]["options"]["reset-at"]
    # A text has the same loss wherever it stands; without the mark, it has not.
    apart = [sluice_json("eval", path, file)["nats_per_token"] for file in (text, shuffled)]
    assert apart[0] == pytest.approx(apart[1], rel=1e-6)
    sluice("train", text, "-o", tmp_path / "one.safetensors", *TINY)
    as_one = [sluice_json("eval", tmp_path / "one.safetensors", file)["nats_per_token"] for file in (text, shuffled)]
    assert as_one[0] != pytest.approx(as_one[1], rel=1e-6)


def test_a_text_begins_after_all_of_a_mark(tmp_path):
    # The mark is two tokens.
    text = written(tmp_path, "texts.txt", small_text().replace(".", ". Ada house"))
    path = tmp_path / "m.safetensors"
    sluice("train", text, "-o", path, *TINY, "--reset-at=Ada house")
    assert sluice_json("gates", path, "likes")["begins_after"] == "Ada house"
    assert sluice_json("explain", path, "likes")["begins_after"] == "Ada house"
    begun = sluice_json("complete", path, "likes", "--top=3")["candidates"]
    assert begun == sluice_json("complete", path, "Ada house likes", "--top=3")["candidates"]
    # Its first token is what ends a text; the others are read after the next one has begun.
    assert sluice_json("eval", path, written(tmp_path, "line.txt", "Ada likes\n"), "--lines")["tokens"] == 3


def test_a_mark_that_is_none_is_refused(tmp_path):
    text = written(tmp_path, "texts.txt", small_text())
    for mark, names in (("<end>", ["reset-at", "<end>"]), ("house Ada", ["reset-at", "texts.txt", "house Ada"]),
                        ("\\t", ["reset-at", "none at this level"]), (" ", ["reset-at", "none at this level"])):
        refused("train", text, "-o", tmp_path / "m.safetensors", *TINY, "--reset-at", mark, code=3, names=names)


def test_a_run_with_another_mark_is_not_resumed(tmp_path):
    text, path = written(tmp_path, "texts.txt", small_text()), tmp_path / "m.safetensors"
    process = start("train", text, "-o", path, *LONG, "--reset-at=\\n")
    deadline = time.monotonic() + 30
    while not path.with_name("m.safetensors.checkpoint").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.terminate()
    process.communicate(timeout=30)
    refused("train", text, "-o", path, *LONG, "--resume", "--reset-at=.", code=3, names=["reset-at"])
    sluice("train", text, "-o", path, *LONG, "--resume")  # that of the checkpoint
    assert sluice_json("info", path)["notes"]["reset-at"] == "\n"
