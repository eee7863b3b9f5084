"""sluice explain: what it says as JSON, to people and as one file, on small models and on the two favourites texts."""

import base64
import hashlib
import html.parser
import json
import re

import pytest

from conftest import CELLS, refused, sluice, sluice_json

PROMPT = "Ada likes the red house, and"
GATES = {"gru": ["retain", "reset"], "gru-reset-after": ["retain", "reset"], "lstm": ["input", "forget", "output"], "rnn": []}
FIRST = "Dhaval eats samosa almost everyday, it shouldn't be hard to guess that his favorite cuisine is"
SECOND = (FIRST + " Indian. His brother Bhavin however is a lover of pasta and cheese that means Bhavin's favorite "
          "cuisine is")


@pytest.mark.parametrize("cell", CELLS)
def test_the_json_has_its_schema(models, cell):
    e = sluice_json("explain", models[cell], PROMPT)
    assert e["schema"] == 1 and e["text"] == PROMPT
    assert e["model"]["name"] == models[cell].stem and e["model"]["cell"] == cell
    assert [gate["name"] for gate in e["model"]["gates"]] == GATES[cell]
    reading, (layer,) = e["reading"], e["reading"]["layers"]
    assert [word["text"].strip() for word in reading["words"]] == ["Ada", "likes", "the", "red", "house", ",", "and"]
    assert reading["surprise"][0] is None and all(nats > 0 for nats in reading["surprise"][1:])
    for after in reading["candidates"]:
        probabilities = [candidate["probability"] for candidate in after]
        assert len(after) == 5 and probabilities == sorted(probabilities, reverse=True) and sum(probabilities) <= 1.0001
    assert list(layer["gates"]) == GATES[cell]
    for gate in layer["gates"].values():
        assert len(gate["words"]) == len(gate["values"]) == 7
        assert len(gate["units"]) == len(gate["low"]) == len(gate["high"]) == len(gate["values"][0]) == 16
        assert all(0 <= value <= 1 for row in gate["values"] for value in row)
    assert (layer["half_life"] is None) == (layer["candidate"] is None) == (cell == "rnn")
    assert (layer["memory"] is None) == (cell != "lstm")
    connectivity = e["connectivity"]
    assert connectivity["at"] == 6 and connectivity["answer"] == reading["candidates"][6][0]["token"]
    for name in ["gradient", "signed", "leave_one_out", "without"]:
        assert len(connectivity[name]) == 7
    horizon = e["horizon"]
    assert len(horizon["layers"][0]["hidden"]) == 7 - horizon["at"] and "changed" not in e


@pytest.mark.parametrize("cell", CELLS)
def test_the_numbers_are_those_of_the_other_verbs(models, cell):
    e, gates, complete = (sluice_json(verb, models[cell], PROMPT) for verb in ("explain", "gates", "complete"))
    assert e["begins_after"] == gates["begins_after"] == "\n"
    for name, rows in {**gates["layers"][0]["gates"], "hidden": gates["layers"][0]["hidden"]}.items():
        layer = e["reading"]["layers"][0]
        mine = (layer["gates"].get(name) or layer[name])["values"]
        assert all(abs(a - b) < 0.51e-4 for x, y in zip(mine, rows) for a, b in zip(x, y)), name
    for mine, theirs in zip(e["reading"]["candidates"][-1], complete["candidates"], strict=True):
        assert mine["token"] == theirs["token"] and abs(mine["probability"] - theirs["probability"]) < 1e-5


def test_what_if(models):
    def last(changed):
        return changed["reading"]["candidates"][-1]

    e = sluice_json("explain", models["gru"], PROMPT, "--replace", "red=old", "--delete", "@5", "--clamp",
                    "retain=0.5,words=1-3,units=2+4,layer=0")
    changed = e["changed"]
    assert [word["text"].strip() for word in changed["reading"]["words"]] == ["Ada", "likes", "the", "old", "house", "and"]
    assert changed["from"] == [0, 1, 2, None, 4, 6] and changed["connectivity"] is None
    values = changed["reading"]["layers"][0]["gates"]["retain"]["values"]
    assert [values[t][2] == values[t][4] == 0.5 for t in range(6)] == [False, True, True, True, False, False]
    assert e["changes"]["clamp"] == [{"layer": 0, "gate": "retain", "units": [2, 4], "first": 1, "last": 3, "value": 0.5}]
    written = sluice_json("explain", models["gru"], "Ada likes the old house and")
    without_clamp = sluice_json("explain", models["gru"], PROMPT, "--replace", "red=old", "--delete", "@5")["changed"]
    assert last(without_clamp) == written["reading"]["candidates"][-1]
    assert without_clamp["connectivity"] == written["connectivity"]


def test_for_people(models):
    out, _ = sluice("explain", models["lstm"], PROMPT, "--replace", "red=old")
    for word in ["Next", "Depends on", "Gates", "Trace", "Changed", "half-life", "forget", "old"]:
        assert word in out
    assert "\x1b" not in out
    out, _ = sluice("explain", models["rnn"], PROMPT, "--quick")
    assert "no gates" in out


@pytest.mark.parametrize("arguments, names", [
    (["--at", "Zoe"], ["--at", "Zoe"]),
    (["--at", "@7"], ["--at", "6", "7"]),
    (["--at", "@x"], ["--at", "whole number"]),
    (["--replace", "red"], ["--replace", "WORD=OTHER"]),
    (["--replace", "red=two words"], ["replace", "one word", "2"]),
    (["--delete", "nothing"], ["--delete", "nothing"]),
    (["--clamp", "retain"], ["--clamp", "GATE=VALUE"]),
    (["--clamp", "forget=1"], ["retain, reset", "forget"]),
    (["--clamp", "retain=2"], ["0 to 1", "2"]),
    (["--clamp", "retain=1,words=9"], ["0 to 6", "9"]),
    (["--clamp", "retain=1,units=16"], ["0 to 15", "16"]),
    (["--answer", "Zoe"], ["answer", "Zoe"]),
    (["--top", "0"], ["--top", "0"]),
])
def test_bad_options_are_refused(models, arguments, names):
    refused("explain", models["gru"], PROMPT, *arguments, code=2, names=names)


class Page(html.parser.HTMLParser):
    """The elements of a page with the text inside, and whatever it would load."""

    def __init__(self, text):
        super().__init__()
        self.inside, self.loads, self.policy = {}, [], ""
        self.open = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        addresses = [attributes[name] for name in ("src", "href") if name in attributes]
        self.loads += [address for address in addresses if not address.startswith(("#", "data:"))]
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if tag in ("script", "style"):
            self.open = attributes.get("id") or tag

    def handle_data(self, data):
        if self.open:
            self.inside.setdefault(self.open, []).append(data)
            self.open = None


def test_one_file_holds_everything(models, tmp_path):
    path = tmp_path / "page.html"
    e = sluice_json("explain", models["gru"], PROMPT + " </script><script>alert(1)</script>\u2028 &amp;", "--html", path)
    page = Page(path.read_text())
    assert not page.loads
    assert json.loads("".join(page.inside["sluice-data"])) == {"schema": 1, "texts": [{"explanations": [e]}],
                                                               "comparison": None}
    assert "alert(1)" not in "".join(page.inside["script"])
    assert "default-src 'none'" in page.policy and "unsafe" not in page.policy
    for kind, directive in (("script", "script-src"), ("style", "style-src")):
        allowed = re.search(rf"{directive}([^;]*)", page.policy)[1]
        for text in page.inside[kind]:
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in allowed, kind
    refused("explain", models["gru"], PROMPT, "--html", path, code=1, names=[path])
    sluice("explain", models["gru"], PROMPT, "--html", path, "--force")


def test_compare_writes_the_page_of_all_its_cells(tmp_path):
    path = tmp_path / "compare.html"
    said = sluice_json("compare", "--favourites", "--cells", "gru,rnn", "--seeds", "1,2", "--words", "20000",
                       "--stories", "20", "--hidden", "16", "--embedding", "16", "--quiet", "--html", path)
    data = json.loads("".join(Page(path.read_text()).inside["sluice-data"]))
    assert data["comparison"] == said
    assert len(data["texts"]) == 2
    for text in data["texts"]:
        # The first seed of each cell; the same word followed in all, and left out of none.
        explanations = text["explanations"]
        assert [e["model"]["name"] for e in explanations] == ["gru", "rnn"]
        assert len({e["horizon"]["at"] for e in explanations}) == 1
        last = len(explanations[0]["reading"]["words"]) - 1
        shares = [0] * last
        for e in explanations:
            nats = e["connectivity"]["leave_one_out"]
            for i in range(last):
                shares[i] += abs(nats[i]) / sum(map(abs, nats))
        assert shares[explanations[0]["horizon"]["at"]] == pytest.approx(max(shares), rel=1e-4)
    refused("compare", "--favourites", "--words", "20000", "--html", path, code=1, names=[path])


FILLER = (" on a quiet Monday, while the rain passes outside, as ever, not far from the old river, on a busy Monday, while "
          "the rain passes outside, not far from the old river,")
LONG = "Dhaval eats samosa almost everyday," + 2 * FILLER + " it shouldn't be hard to guess that his favorite cuisine is"
# The words of the question itself always count, for they say that a cuisine comes next; asked here is what counts of the
# words before it.
QUESTIONS = {FIRST: 6, SECOND: 30, LONG: 85}


def place(explanation, measure, word):
    """How many words before the question count for more, and the word's own number."""
    words = [word["text"].strip() for word in explanation["reading"]["words"]]
    numbers = explanation["connectivity"][measure]
    strength = [abs(n) if measure == "gradient" else n for n in numbers[:QUESTIONS[explanation["text"]]]]
    own = strength[words.index(word)]
    return sum(other > own for other in strength), numbers[words.index(word)]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("text, answer, clues", [(FIRST, "Indian", ["samosa"]), (SECOND, "Italian", ["pasta", "cheese"])])
def test_the_dishes_carry_the_answer_by_all_three_measures(demo_models, cell, text, answer, clues):
    e = sluice_json("explain", demo_models[cell], text)
    assert e["connectivity"]["answer"] == answer and e["connectivity"]["probability"] > 0.9
    places = {measure: min(place(e, measure, clue)[0] for clue in clues)
              for measure in ("gradient", "signed", "leave_one_out")}
    # A gradient is the slope where the network stands, and where it is sure of its answer that is nearly flat: that the
    # dish's is no small part of the steepest is the same story. Where a network failed, it is less than a tenth (below).
    assert places["leave_one_out"] == 0 and places["signed"] <= 2, places
    slopes = e["connectivity"]["gradient"][:QUESTIONS[text]]
    assert max(place(e, "gradient", clue)[1] for clue in clues) > 0.3 * max(slopes), slopes
    assert all(place(e, measure, clues[0])[1] > 0 for measure in places)


@pytest.fixture(scope="module")
def failed_rnn(tmp_path_factory):
    """A plain RNN after a thirtieth of the demonstration's text: it has learned to answer with a cuisine, not with which."""
    folder = tmp_path_factory.mktemp("failed")
    sluice("demo", "-o", folder, "--words=150000", "--quiet", "--threads=1", "--force", timeout=300)
    return folder / "rnn.safetensors"


@pytest.mark.parametrize("text, answer, clues", [(FIRST, "Indian", ["samosa"]), (SECOND, "Italian", ["pasta", "cheese"]),
                                                 (LONG, "Indian", ["samosa"])])
def test_in_an_rnn_that_failed_they_carry_nothing(failed_rnn, text, answer, clues):
    e = sluice_json("explain", failed_rnn, text, "--answer", answer)
    connectivity = e["connectivity"]
    assert connectivity["probability"] < 0.3
    for clue in clues:
        assert abs(place(e, "leave_one_out", clue)[1]) < 0.1
        for measure in ("gradient", "signed"):
            assert abs(place(e, measure, clue)[1]) < 0.1 * max(map(abs, connectivity[measure])), measure


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_another_dish_another_answer(demo_models, cell):
    e = sluice_json("explain", demo_models[cell], FIRST, "--replace", "samosa=sushi")
    assert e["reading"]["candidates"][-1][0]["token"] == "Indian"
    assert e["changed"]["reading"]["candidates"][-1][0]["token"] == "Japanese"
    assert e["changed"]["connectivity"]["answer"] == "Japanese"


def test_a_memory_that_is_held_gives_the_old_answer(demo_models):
    """Between the first answer and the second question everything is kept, so the second person's dishes do not get in."""
    e = sluice_json("explain", demo_models["gru"], SECOND, "--clamp", "retain=1,words=17-31")
    assert e["reading"]["candidates"][-1][0]["token"] == "Italian"
    assert e["changed"]["reading"]["candidates"][-1][0]["token"] == "Indian"
