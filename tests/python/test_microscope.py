"""The numbers in a unit's equations, for every registered cell: a reader that knows nothing but the printed lines makes
the states of them again."""

import math
import re

import pytest

from conftest import TINY, sluice, sluice_json

PROMPT = "Ada likes the red house, and so it goes. Bela"
FUNCTIONS = {"sigma": lambda a: 1 / (1 + math.exp(-a)), "tanh": math.tanh, "max": max}


def registered():
    """Cells as the command lists them itself, and the plain RNN's other activation."""
    _, err = sluice("train", "/dev/null", "-o", "/dev/null", "--cell", "none-such", code=2)
    names = re.search(r"one of ([a-z0-9, -]+), found", err).group(1).split(", ")
    return [(name.strip(), ()) for name in names] + [("rnn", ("--activation=relu",))]


def in_python(line):
    """"h' = (1 - z) * h + z * h~" -> ("h'", code): a matrix and what it multiplies are one number, v["W_z"]."""
    target, _, formula = line.partition(" = ")
    # A name that another name or a parenthesis follows is a matrix, unless it is a function.
    call = "|".join(FUNCTIONS)
    applied = re.sub(rf"\b(?!(?:{call})\b)([A-Za-z]+(?:_\w+)?) *(?:\([^()]*\)|(?<= )[a-z]\b)", r"\1", formula)
    names = re.sub(rf"\b(?!(?:{call})\b)([A-Za-z]+(?:_\w+)?[~']?)", r'v["\1"]', applied)
    return target, compile(names, line, "eval")


@pytest.fixture(scope="module", params=registered(), ids=lambda pair: "".join((pair[0], *pair[1])))
def said(request, text, tmp_path_factory):
    cell, options = request.param
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    sluice("train", text, "-o", path, "--cell", cell, "--layers=2", "--lr=0.02", *options, *TINY)
    found = sluice_json("explain", path, PROMPT)
    found["model"]["path"] = path
    return found


def test_the_equations_make_the_states_again(said):
    equations = [in_python(line) for line in said["model"]["equations"]]
    states, found = said["model"]["states"], said["microscope"]
    assert len(found["units"]) == 16 and len({(u["layer"], u["unit"]) for u in found["units"]}) == 16
    for unit in found["units"]:
        before = unit["before"]
        for t, products in enumerate(unit["products"]):
            values = dict(zip(states, before)) | dict(zip(found["products"], products))
            values |= dict(zip(found["biases"], unit["biases"]))
            for target, code in equations:
                values[target] = eval(code, FUNCTIONS, {"v": values})
            after = unit["states"][t]
            assert [values[f"{name}'"] for name in states] == pytest.approx(after, abs=1e-4)
            # And these are the states that the reading lists.
            layer = said["reading"]["layers"][unit["layer"]]
            assert layer["hidden"]["values"][t][unit["unit"]] == pytest.approx(after[0], abs=1e-4)
            for gate in said["model"]["gates"]:
                symbol = re.search(r": (1 - )?([a-z])$", gate["meaning"])
                if symbol:
                    value = values[symbol.group(2)]
                    expected = layer["gates"][gate["name"]]["values"][t][unit["unit"]]
                    assert (1 - value if symbol.group(1) else value) == pytest.approx(expected, abs=1e-4)
            before = after


def test_the_first_word_starts_from_what_a_text_begins_after(said):
    """The text is read behind a line end, whose states are those of the same text with the line end written out."""
    inside = sluice_json("explain", said["model"]["path"], "\n" + PROMPT,
                         *(f"--unit={unit['layer']}:{unit['unit']}" for unit in said["microscope"]["units"]))
    assert said["begins_after"] == "\n" and inside["begins_after"] is None
    assert any(value for unit in said["microscope"]["units"] for value in unit["before"])
    for unit, written in zip(said["microscope"]["units"], inside["microscope"]["units"], strict=True):
        assert not any(written["before"])
        assert unit["before"] == written["states"][0] and unit["states"] == written["states"][1:]
        assert unit["products"] == written["products"][1:]


def test_units_are_ranked_by_what_is_lost_without_them(said):
    units = said["ablation"]["units"]
    sizes = [abs(unit["nats"]) for unit in units]
    assert sizes == sorted(sizes, reverse=True) and len(units) == 32 == said["ablation"]["tried"]
    assert [(u["layer"], u["unit"]) for u in units[:16]] == [(u["layer"], u["unit"]) for u in said["microscope"]["units"]]


def test_a_unit_by_its_number(text, tmp_path):
    path = tmp_path / "m.safetensors"
    sluice("train", text, "-o", path, "--layers=2", *TINY)
    said = sluice_json("explain", path, PROMPT, "--unit", "3", "--unit", "1:9", "--carried-from", "@0")
    assert [(u["layer"], u["unit"]) for u in said["microscope"]["units"]] == [(0, 3), (1, 9)]
    assert said["ablation"]["from"] == 0
    quick = sluice_json("explain", path, PROMPT, "--quick")
    assert "ablation" not in quick and quick["microscope"]["units"] == []
    _, err = sluice("explain", path, PROMPT, "--unit", "16", code=2)
    assert "microscope: expected a layer below 2 and a unit below 16, found layer 0, unit 16" in err
    _, err = sluice("explain", path, PROMPT, "--unit", "1:2:3", code=2)
    assert "--unit" in err and "LAYER:UNIT" in err
