"""Files that can be read once: what is in them is looked at, and nothing of it lost."""

import gzip
import os
import threading

import pytest

from conftest import TINY, sluice, sluice_json, small_text


def through_pipe(path, content):
    os.mkfifo(path)
    threading.Thread(target=lambda: path.write_bytes(content), daemon=True).start()
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_text_in_a_pipe_is_trained_on_as_a_file(tmp_path, pack):
    text = tmp_path / "text.txt"
    text.write_text(small_text())
    sluice("train", text, "-o", tmp_path / "file", *TINY)
    sluice("train", through_pipe(tmp_path / "pipe", pack(small_text().encode())), "-o", tmp_path / "m", *TINY)
    assert sluice_json("eval", tmp_path / "m", text) == sluice_json("eval", tmp_path / "file", text)


def test_cells_are_compared_on_a_pipe(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text(small_text())
    run = ["--cells=gru", "--epochs=1", "--hidden=8", "--batch=8", "--steps=16", "--threads=1"]
    piped = sluice_json("compare", through_pipe(tmp_path / "pipe", small_text().encode()), *run)
    keys = ["nats_per_token", "parameters"]
    assert [piped["cells"][0][key] for key in keys] == [sluice_json("compare", text, *run)["cells"][0][key] for key in keys]


def test_examples_come_by_standard_input(tmp_path):
    rows = "".join(f"{'good' if i % 2 else 'bad'}\t{'fine and nice' if i % 2 else 'dull and sad'} {i % 5}\n" for i in range(40))
    (tmp_path / "rows.tsv").write_text(rows)
    run = ["--task=classify", "--epochs=2", "--threads=1", "-q"]
    from_file = sluice_json("train", tmp_path / "rows.tsv", "-o", tmp_path / "file", *run)
    piped = sluice_json("train", "-", "-o", tmp_path / "m", *run, input=rows.encode())
    assert piped["train_loss"] == from_file["train_loss"] and piped["classes"] == ["bad", "good"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_table_and_sentences_come_by_a_pipe(tmp_path, pack):
    """They are looked at, and read as what they are."""
    table = "day,x\n" + "".join(f"2024-01-{t + 1:02},{t % 7}\n" for t in range(31))
    words = "".join(f"a{i % 3}\tDET\nx{i % 5}\tNOUN\n\n" for i in range(40))
    for name, content in (("table", table), ("words", words)):
        (tmp_path / name).write_text(content)
        run = ["--epochs=1", "--hidden=4", "--threads=1", *(["--horizon=2", "--lookback=6"] if name == "table" else [])]
        from_file = sluice_json("train", tmp_path / name, "-o", tmp_path / f"{name}.file", *run)
        pipe = through_pipe(tmp_path / f"{name}.pipe", pack(content.encode()))
        piped = sluice_json("train", pipe, "-o", tmp_path / f"{name}.piped", *run)
        assert piped["train_loss"] == from_file["train_loss"]
