"""A tagger spells its words: what that makes of words that it never saw, the flags, what info shows, what is refused."""

import json
import random

import pytest

from conftest import but, refused, sluice, sluice_json

QUICK = ["--hidden=12", "--epochs=12", "--seed=3", "--learning-rate=.02", "--spelling-units=10", "--spelling-embedding=6",
         "--dropout=0", "--input-dropout=0", "--threads=1"]


def sentences(path, seed, count=200):
    """Hardly a word is there twice; its tag is by the letter that it begins with, which no shape of a word has."""
    draw = random.Random(seed)
    text = ""
    for _ in range(count):
        for _ in range(draw.randint(1, 6)):
            word = "".join(draw.choice("abcdeñ") for _ in range(draw.randint(4, 7)))
            text += f"{word}\t{'FIRST' if word[0] in 'acñ' else 'OTHER'}\n"
        text += "\n"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagger")
    path = folder / "m.safetensors"
    sluice("train", sentences(folder / "train.tsv", 1, 500), "-o", path, *QUICK)
    return path, folder


def test_a_word_that_was_never_seen_is_spelt(tagger):
    path, folder = tagger
    other = sentences(folder / "other.tsv", 2)
    found = sluice_json("eval", path, other, "--training", folder / "train.tsv")
    assert found["accuracy"] > 0.9 > 0.8 > found["baselines"]["most_frequent_tag"]
    blind = folder / "blind.safetensors"
    sluice("train", folder / "train.tsv", "-o", blind, *but(QUICK, "--spelling-units=0"))
    assert sluice_json("eval", blind, other)["accuracy"] < 0.8
    assert "spelling" not in sluice_json("info", blind)["config"]
    bare = folder / "bare.tsv"
    bare.write_text("".join(line.split("\t")[0].rstrip("\n") + "\n" for line in other.read_text().splitlines(True)))
    out, _ = sluice("predict", path, bare)
    given, wanted = ([line.split() for line in text.splitlines()] for text in (out, other.read_text()))
    assert len(given) == len(wanted) and sum(a == b for a, b in zip(given, wanted)) > 0.9 * len(wanted)


def test_a_letter_that_was_never_seen_and_a_very_long_word_are_read(tagger):
    path, folder = tagger
    odd = folder / "odd.tsv"
    odd.write_text("Ωab\nc" + "b" * 100000 + "a\n\nñ\n")
    lines = sluice("predict", path, odd)[0].splitlines()
    assert len(lines) == 4 and lines[1].split()[1] == "FIRST"


def test_info_shows_the_spelling(tagger):
    path, _ = tagger
    said = sluice_json("info", path)
    assert said["config"]["spelling"] == {"characters": 7, "embedding": 6, "units": 10, "cell": "gru",
                                          "word-dropout": 0.1}
    part = said["parts"][1]
    assert (part["kind"], part["inputs"], part["outputs"], part["per"]) == ("spelling", 7, 20, "character")
    assert part["parameters"] == 7 * 6 + 2 * 3 * 10 * (6 + 10 + 1)
    assert said["parts"][2]["inputs"] == said["config"]["embedding"] + 20
    assert said["parameters"] == sum(one["parameters"] for one in said["parts"])
    page, _ = sluice("info", path)
    assert "gru of 10 units each way" in page and "once a character" in page
    assert said["notes"]["task"]["alphabet"] == "abcdeñ"


def test_what_cannot_be_is_refused(tagger, tmp_path):
    path, folder = tagger
    training = folder / "train.tsv"
    new = ["-o", tmp_path / "n.safetensors"]
    refused("train", training, "--task=tag", *new, "--word-dropout=1", code=2, names=["word-dropout", "1"])
    refused("train", training, "--task=tag", *new, "--spelling-cell=gur", code=2, names=["gur", "lstm"])
    names = tmp_path / "names.tsv"
    names.write_text("a\tanna\nb\tbert\n" * 30)
    refused("train", names, *new, "--task=classify", "--spelling-units=8", code=2, names=["--spelling-units", "tag"])
    refused("export", path, "--to", "c", "-o", tmp_path / "m.c", code=3, names=["export --to c"])
    refused("export", path, "--to", "onnx", "-o", tmp_path / "m.onnx", code=2, names=["words that are spelt"])
    refused("complete", path, "ab", code=3, names=["complete"])


def test_a_file_whose_alphabet_is_another_is_refused(tagger, tmp_path):
    path, folder = tagger
    content = path.read_bytes()
    changed = content.replace('\\"alphabet\\":\\"abcdeñ\\"'.encode(), '\\"alphabet\\":\\"abcdefg\\"'.encode())
    assert changed != content and len(changed) == len(content)
    other = tmp_path / "m.safetensors"
    other.write_bytes(changed)
    refused("eval", other, folder / "train.tsv", code=3, names=["m.safetensors"])
