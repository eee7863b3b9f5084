"""sluice units and what serve --corpus answers: what units follow over a corpus, and places that are alike."""

import json
import random

import pytest

from conftest import TINY, refused, sluice, sluice_json
from served import Server


def quoting(path, lines=400):
    draw = random.Random(3)
    things = ["the house is red", "the dog (a big one) runs", "we go home"]
    path.write_text("".join(f'{draw.choice(["Ada", "Bela"])} said "{draw.choice(things)}" and {draw.choice(things)}.\n'
                            for _ in range(lines)))
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("units")
    text = quoting(folder / "quotes.txt")
    model = folder / "letters.safetensors"
    sluice("train", text, "-o", model, "--level=char", "--cell=lstm", "--hidden=24", "--layers=2", "--epochs=3",
           "--batch=8", "--steps=32", "--lr=0.01", "--threads=1")
    return model, text


def test_every_unit_has_its_places_and_correlations(made):
    model, text = made
    found = sluice_json("units", model, text, "--places=3")
    written = text.read_text()
    assert found["schema"] == 1 and found["corpus"]["places"] == len(written) and found["corpus"]["state"] == "h"
    assert found["corpus"]["name"] == "quotes.txt"
    assert found["model"]["unit"] == "character" and [layer["units"] for layer in found["model"]["layers"]] == [24, 24]
    assert [(u["layer"], u["unit"]) for u in found["units"]] == [(l, u) for l in range(2) for u in range(24)]
    names = {feature["name"] for feature in found["corpus"]["features"]}
    assert names == {"quotes", "brackets", "line", "sentence", "capital", "letters"}
    for unit in found["units"]:
        assert unit["least"] <= unit["mean"] <= unit["greatest"]
        sizes = [abs(one["r"]) for one in unit["correlations"]]
        assert sizes == sorted(sizes, reverse=True) and sizes[0] <= 1 and len(sizes) == 6
        for which, end in (("highest", "greatest"), ("lowest", "least")):
            assert len(unit[which]) == 3 and abs(unit[which][0]["value"] - unit[end]) < 1e-4
            for place in unit[which]:
                assert written[place["begin"]:place["begin"] + len(place["words"])] == "".join(place["words"])
                assert place["values"][place["at"] - place["begin"]] == place["value"]
    # The other state of an LSTM, one layer alone, one unit alone.
    other = sluice_json("units", model, text, "--state=c", "--layer=1", "--places=0")
    assert other["corpus"]["state"] == "c" and {u["layer"] for u in other["units"]} == {1} and len(other["units"]) == 24
    assert other["units"][0]["mean"] != found["units"][24]["mean"] and "highest" not in other["units"][0]
    one, = sluice_json("units", model, text, "--unit=1:5", "--places=3")["units"]
    assert one == found["units"][29]


def test_people_see_the_strongest_units_first(made):
    model, text = made
    out, err = sluice("units", model, text, "--top=5")
    assert err == "" and f"{len(text.read_text()):,} characters, 48 units (h)" in out
    shown = [abs(float(line.split()[1])) for line in out.splitlines()[3:]]
    assert len(shown) == 5 and shown == sorted(shown, reverse=True)
    out, _ = sluice("units", model, text, "--with=quotes", "--top=3")
    assert all("inside quotation marks" in line for line in out.splitlines()[3:])
    said = sluice_json("units", model, text, "--places=0")["units"]
    best = max(said, key=lambda u: max(abs(c["r"]) for c in u["correlations"] if c["with"] == "quotes"))
    assert out.splitlines()[3].split()[0] == f"{best['layer']}:{best['unit']}"
    out, _ = sluice("units", model, text, f"--unit={best['layer']}:{best['unit']}", "--places=2")
    assert out.count("@") == 4 and "highest" in out and "lowest" in out and "[" in out


def test_places_like_a_span(made):
    model, text = made
    line = text.read_text().splitlines()[0]
    begin = line.index("said")
    end = begin + 1
    found = sluice_json("units", model, text, "--like", line, "--span", f"{begin}-{end}", "--top=6", "--threshold=0.5")["like"]
    assert "".join(found["words"]) == line[begin:end + 1] and found["threshold"] == 0.5
    assert found["units"]
    # The line is the corpus's first, and so the best match is itself.
    best = found["places"][0]
    assert (best["first"], best["last"]) == (begin, end) and best["shared"] == list(range(len(found["units"])))
    assert [len(p["shared"]) for p in found["places"]] == sorted((len(p["shared"]) for p in found["places"]), reverse=True)
    out, _ = sluice("units", model, text, "--like", line, "--span", f"{begin}-{end}", "--threshold=0.5")
    assert f"{len(found['units'])} shared" in out


def test_tags_and_classes_are_followed_too(tmp_path):
    draw = random.Random(2)
    lines = []
    for _ in range(150):
        for i, (word, tag) in enumerate([("the", "DET"), (draw.choice(["dog", "cat"]), "NOUN"), ("runs", "VERB")]):
            lines.append("\t".join([str(i + 1), word, "_", tag, *["_"] * 6]))
        lines.append("")
    tagged = tmp_path / "tagged.conllu"
    tagged.write_text("\n".join(lines) + "\n")
    tagger = tmp_path / "tagger.safetensors"
    sluice("train", tagged, "-o", tagger, "--hidden=8", "--epochs=2", "--threads=1")
    found = sluice_json("units", tagger, tagged, "--places=1")
    assert found["corpus"]["sequences"] == 150 and found["corpus"]["places"] == 450
    assert {layer["name"] for layer in found["model"]["layers"]} >= {"1 forward", "1 backward"}
    assert {"class:DET", "class:NOUN", "class:VERB"} <= {f["name"] for f in found["corpus"]["features"]}
    assert any(c["with"] == "class:DET" and abs(c["r"]) > 0.5 for u in found["units"] for c in u["correlations"])
    # A model of language reads the same file as running text, a sentence a line.
    (tmp_path / "plain.txt").write_text("the dog runs\nthe cat runs\n" * 60)
    for level in ("word", "char"):
        model = tmp_path / f"{level}.safetensors"
        sluice("train", tmp_path / "plain.txt", "-o", model, f"--level={level}", *TINY)
        found = sluice_json("units", model, tagged, "--places=1")
        assert found["corpus"]["sequences"] == 1 and "class:DET" in {f["name"] for f in found["corpus"]["features"]}
        assert found["corpus"]["places"] == (600 if level == "word" else 150 * len("the dog runs\n"))
    out, _ = sluice("units", model, tagged, "--with=class:DET", "--top=1")
    assert "class DET" in out
    # Classes of texts.
    texts = tmp_path / "texts.tsv"
    texts.write_text("".join(f"{kind}\t{kind[0]} {draw.choice('xyz')}\n" for kind in ("one", "two") * 40))
    classifier = tmp_path / "classifier.safetensors"
    sluice("train", texts, "-o", classifier, "--hidden=8", "--epochs=2", "--threads=1")
    found = sluice_json("units", classifier, texts, "--places=0")
    assert "class:one" in {f["name"] for f in found["corpus"]["features"]}
    assert sluice_json("units", classifier, texts, "--unit=0", "--like", "one x", "--span=0-2")["like"]["words"] == list("one")


def test_what_is_wrong_is_said(made, models, text, tmp_path):
    model, corpus = made
    refused("units", model, tmp_path / "none.txt", code=3, names=["none.txt"])
    refused("units", model, corpus, "--state=x", code=2, names=["--state", "h or c"])
    refused("units", models["gru"], text, "--state=c", code=2, names=["state", "gru"])
    refused("units", model, corpus, "--layer=2", code=2, names=["--layer", "0 to 1"])
    refused("units", model, corpus, "--unit=24", code=2, names=["unit", "0 to 23", "24"])
    refused("units", model, corpus, "--with=x", code=2, names=["--with", "quotes", "brackets"])
    refused("units", model, corpus, "--span=1-2", code=2, names=["--span", "--like"])
    refused("units", model, corpus, "--like", "ab", "--span=0-2", code=2, names=["last", "0 to 1"])
    refused("units", model, corpus, "--like", "", code=2, names=["--like", "none"])
    refused("units", model, corpus, "--top=0", code=2, names=["--top"])
    (tmp_path / "latin1.txt").write_bytes(b"ab\xe9cd\n")
    refused("units", model, tmp_path / "latin1.txt", code=3, names=["latin1.txt"])
    (tmp_path / "empty.txt").write_bytes(b"")
    refused("units", model, tmp_path / "empty.txt", code=3, names=["empty.txt"])


def test_words_of_a_corpus_take_the_place_of_those_of_a_text(models, text):
    prompt = "Ada likes the red house"
    behind = {}
    words = text.read_text().replace(",", " ,").replace(".", " .").replace("'s", " 's").replace("\n", " \n ").split(" ")
    words = [word for word in words if word]
    for before, word in zip(words, words[1:]):
        behind.setdefault(before, set()).add(word)
    found = sluice_json("explain", models["gru"], prompt, "--corpus", text)["connectivity"]
    assert found["replaced_from"] == "corpus" and len(found["replaced"]) == 5
    for before, word, others in zip(["\n", *prompt.split()], prompt.split(), found["replacements"]):
        # Where no other word stands behind this one, others that are about as frequent.
        allowed = behind[before] - {word}
        assert word not in others and "<unk>" not in others and (not allowed or set(others) <= allowed), (before, others)
    assert sluice_json("explain", models["gru"], prompt, "--corpus", text)["connectivity"] == found
    empty = text.with_name("empty.txt")
    empty.write_text("")
    refused("explain", models["gru"], prompt, "--corpus", empty, code=3, names=["empty.txt", "expected a text"])
    other = sluice_json("explain", models["gru"], prompt, "--corpus", text, "--seed=2")["connectivity"]
    assert other["replacements"] != found["replacements"] and other["leave_one_out"] == found["leave_one_out"]
    assert sluice_json("explain", models["gru"], prompt)["connectivity"]["replaced_from"] == "model"
    refused("explain", models["gru"], prompt, "--corpus", "/nowhere.txt", code=3, names=["/nowhere.txt"])
    refused("explain", models["gru"], prompt, "--corpus", text, "--quick", code=2, names=["--corpus", "--quick"])
    server = Server(models["gru"], "--corpus", text)
    try:
        served, = server.post("explain", text=prompt, leave_one_out=True)["explanations"]
        assert served["connectivity"] == found
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server(made):
    model, text = made
    server = Server(model, "--corpus", text)
    yield server
    assert server.alive()
    server.stop()


def test_the_server_answers_as_the_command(server, made):
    model, text = made
    line = text.read_text().splitlines()[0]
    info = json.loads(server.ask("GET", "/api/v1/info")[2])
    assert info["models"][0]["corpus"] == {"name": "quotes.txt", "places": len(text.read_text())}
    assert server.post("units")["results"] == [sluice_json("units", model, text, "--places=0")]
    like = {"text": line, "first": 10, "last": 20, "most": 6, "threshold": 0.5}
    said = sluice_json("units", model, text, "--unit=3", "--unit=1:4", "--places=2", "--like", line, "--span=10-20", "--top=6",
                       "--threshold=0.5")
    assert server.post("units", units=[{"unit": 3}, {"layer": 1, "unit": 4}], places=2, like=like)["results"] == [said]
    for body, names in (({"units": [{"unit": 24}]}, ["unit", "0 to 23"]), ({"places": 3}, ["places"]),
                        ({"like": {"text": "a", "first": 0, "last": 1}}, ["last"]),
                        ({"like": {"text": "", "first": 0, "last": 0}}, ["text"]),
                        ({"like": {"text": "a", "first": 0, "last": 0, "threshold": 0}}, ["threshold"]),
                        ({"like": {"text": "a", "first": 0, "last": 0, "most": 21}}, ["like.most"]), ({"x": 1}, ["body"])):
        status, _, answer = server.ask("POST", "/api/v1/units", body)
        message = json.loads(answer)["error"]["message"]
        assert status == 400 and all(name in message for name in names), message


def test_a_server_without_a_corpus_says_so(models):
    server = Server(models["gru"])
    try:
        status, _, answer = server.ask("POST", "/api/v1/units", {})
        assert status == 400 and "--corpus" in json.loads(answer)["error"]["message"]
        assert "corpus" not in json.loads(server.ask("GET", "/api/v1/info")[2])["models"][0]
    finally:
        server.stop()
    refused("serve", models["gru"], "--port=0", "--corpus", "/nowhere.txt", code=3, names=["/nowhere.txt"])
