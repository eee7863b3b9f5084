"""What reaches a terminal: no character that steers it, no line broken inside a word, no figure that says too much."""

import json
import os
import re
import struct
import subprocess

import pytest

from conftest import COMMAND, TINY, but, in_a_terminal, refused, sluice, sluice_json

# Escape, the same in one character, bell, delete, and what turns the direction of writing.
STEERS = "\x1b[31m \x9b31m \x07 \x7f \u202e \u2066 \u200f \u2028"
FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
OWN = re.compile(r"\x1b\[[0-9;]*[mK]|\r")  # colours, and lines drawn again


def harmless(shown):
    assert not FORBIDDEN.search(OWN.sub("", shown)), repr(shown)
    return shown


def changed_model(path, to, change):
    """The model with its metadata changed."""
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    change(header["__metadata__"])
    header["__metadata__"]["sluice.checksum"] = header["__metadata__"]["sluice.self-check"] = "none"
    text = json.dumps(header).encode()
    to.write_bytes(struct.pack("<Q", len(text)) + text + content[end:])
    return to


@pytest.fixture
def hostile(tmp_path):
    """A model whose tokens steer terminals. All of them are characters of the text, so that they are generated, too."""
    text = tmp_path / "hostile.txt"
    text.write_text(STEERS * 400)
    model = tmp_path / "hostile.safetensors"
    sluice("train", text, "-o", model, "--level=char", "--quiet", *but(TINY, "--epochs=1"))
    return model


def test_tokens_do_not_steer_a_terminal(hostile):
    harmless(in_a_terminal("complete", hostile, "31m"))
    harmless(in_a_terminal("complete", hostile, "31m", "-n", "60"))
    harmless(in_a_terminal("info", hostile))
    harmless(in_a_terminal("gates", hostile, STEERS.replace("\x1b", "")))
    harmless(in_a_terminal("gates", hostile, "31m", "--units"))
    harmless(in_a_terminal("explain", hostile, STEERS, "--replace", "@1=\u202e"))
    for verb in ["complete"], ["gates"], ["explain"]:
        harmless(in_a_terminal(*verb, hostile, "31m", "--json"))
    harmless(in_a_terminal("info", hostile, "--json"))


def test_json_says_the_same_however_it_is_escaped(hostile):
    out, _ = sluice("gates", hostile, STEERS, "--json")
    assert harmless(out) and json.loads(out)["tokens"] == list(STEERS)


def test_a_program_gets_generated_text_as_it_is(hostile):
    out, _ = sluice("complete", hostile, "31m", "-n", "60", "--temp=1")
    assert FORBIDDEN.search(out) and "\ufffd" not in out
    assert out == "31m" + sluice_json("complete", hostile, "31m", "-n", "60", "--temp=1")["continuation"] + "\n"


def test_notes_do_not_steer_a_terminal(models, tmp_path):
    def change(metadata):
        metadata["sluice.note.a" + STEERS] = json.dumps({"by" + STEERS: STEERS, "n": 1000000123.0})
        metadata["sluice.note.b"] = STEERS + "\nparameters  1"

    model = changed_model(models["gru"], tmp_path / "m.safetensors", change)
    shown = harmless(in_a_terminal("info", model))
    assert "1000000123" in shown and not re.search("^parameters  1$", OWN.sub("", shown), re.MULTILINE)


@pytest.mark.parametrize("change", [
    lambda metadata: metadata.update({"sluice.cell": STEERS}),
    lambda metadata: metadata.update({"sluice.config": metadata["sluice.config"].replace('"gru"', json.dumps(STEERS))}),
    lambda metadata: metadata.update({"sluice.version": STEERS}),
    lambda metadata: metadata.update({"sluice.vocabulary": STEERS}),
])
def test_refusals_do_not_steer_a_terminal(models, tmp_path, change):
    model = changed_model(models["gru"], tmp_path / "m.safetensors", change)
    for verb in ["info"], ["complete", "Ada"], ["explain", "Ada"]:
        shown = harmless(in_a_terminal(verb[0], model, *verb[1:], code=3))
        assert shown.startswith("sluice: ") and shown.count("\n") == 1


def test_what_was_typed_does_not_steer_a_terminal(models, tmp_path):
    path = tmp_path / ("no" + STEERS + "\nsluice: a second line")
    shown = harmless(in_a_terminal("info", path, code=3))
    assert shown.count("\n") == 1
    harmless(in_a_terminal("train", path, "-o", tmp_path / "m.safetensors", code=3))
    harmless(in_a_terminal("juggle" + STEERS, code=2))
    harmless(in_a_terminal("complete", models["gru"], STEERS))
    harmless(in_a_terminal("explain", models["gru"], "Ada likes", "--answer", STEERS, code=2))


@pytest.mark.parametrize("columns", [20, 40, 64])
@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_the_gates_fit_the_terminal(models, cell, columns):
    shown = in_a_terminal("gates", models[cell], "Ada likes the red house, and so it goes.", columns=columns)
    for line in OWN.sub("", shown).splitlines():
        assert len(line) <= columns, line
    words = " ".join(OWN.sub("", shown).split())
    assert {"gru": "share of the past that is kept", "lstm": "mean here", "rnn": "writes all of its memory anew"}[cell] in words


def test_explain_calls_characters_characters(text, tmp_path):
    model = tmp_path / "m.safetensors"
    sluice("train", text, "-o", model, "--level=char", "--quiet", *but(TINY, "--epochs=1"))
    out, err = sluice("explain", model, "Ada l§kes", "--horizon", "@1")
    assert "9 characters" in out and "character 8" in out and "unknown characters" in err
    assert not re.search(r"\bwords?\b", out + err)
    for arguments, names in [(["--at", "@9"], ["a character 0 to 8"]), (["--answer", "zz"], ["a character that the model"]),
                             (["--delete", "A"], None), (["--at", "zz"], ["a character that stands once"])]:
        if names:
            refused("explain", model, "Ada l§kes", *arguments, code=2, names=names)
    refused("explain", model, "", code=2, names=["at least one character"])


@pytest.fixture
def certain(tmp_path):
    """A model that is all but certain of what comes next: one sentence, over and over."""
    text, model = tmp_path / "certain.txt", tmp_path / "certain.safetensors"
    text.write_text("one two three four five six\n" * 400)
    sluice("train", text, "-o", model, "--quiet", *but(TINY, "--epochs=40", "--lr=0.02"))
    return model


def test_all_but_certain_is_not_certain(certain):
    p = sluice_json("complete", certain, "one two")["candidates"][0]["probability"]
    assert 0.9995 < p < 1, "the model was meant to be that sure"
    shown = in_a_terminal("complete", certain, "one two") + in_a_terminal("explain", certain, "one two", "--horizon=one")
    assert ">99.9 %" in shown and not re.search(r"\b100(\.0)? %", shown)
    assert "<0.1 %" in shown and not re.search(r"(?<![\d.])0(\.0)? %", shown)


def test_training_says_its_unit_and_its_best_epoch(text, tmp_path):
    model, log = tmp_path / "m.safetensors", tmp_path / "log.jsonl"
    out, err = sluice("train", text, "-o", model, *but(TINY, "--hidden=32", "--epochs=12", "--lr=0.1", "--schedule=constant"),
                      "--log", log)
    seen = [line for line in map(json.loads, log.read_text().splitlines()) if line["kind"] == "validation"]
    best = min(seen, key=lambda line: line["validation_loss"])
    assert best["epoch"] != seen[-1]["epoch"], "the last epoch was meant not to be the best"
    lines = [line for line in err.splitlines() if line.startswith("epoch")]
    assert len(lines) == 12 and all(re.search(r"nats per token, perplexity \d", line) for line in lines)
    lowest = [min(range(i + 1), key=lambda j: seen[j]["validation_loss"]) == i for i in range(12)]
    assert ["best so far" in line for line in lines] == [one["best"] for one in seen] == lowest
    assert f"best after epoch {best['epoch']}: train {best['loss']:.4f}, validation {best['validation_loss']:.4f} nats" in out
    assert re.search(r"perplexity \d", out)


def test_an_epoch_that_time_cuts_short_is_no_finished_one(text, tmp_path):
    file = tmp_path / "long.txt"
    file.write_text(text.read_text() * 400)
    out, _ = sluice("train", file, "-o", tmp_path / "m.safetensors", *but(TINY, "--hidden=64"), "--max-seconds=1.5")
    assert "0 epochs" in out and "best within epoch 1: train" in out



@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_closed_descriptors_are_not_taken_for_something_else(text, tmp_path, closed):
    """What is said must not land in the file that happens to be opened next."""
    log, model = tmp_path / "log.jsonl", tmp_path / "m.safetensors"

    def close():
        for number in closed:
            os.close(number)

    code = subprocess.call([COMMAND, "train", text, "-o", model, *TINY, "--log", log], preexec_fn=close,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert code == 0 and sluice_json("info", model)["cell"] == "gru"
    assert all(json.loads(line)["kind"] for line in log.read_text().splitlines())
