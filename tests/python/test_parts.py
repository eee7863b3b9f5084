"""`sluice info` on networks of many parts: sizes, costs, and the picture. The models are written by hand."""

import json
import math
import struct
import xml.etree.ElementTree as xml

import pytest

from conftest import CELLS, TINY, but, refused, sluice, sluice_json

GATES = {"rnn": 1, "lstm": 4, "gru": 3, "gru-reset-after": 3}
STATES = {"rnn": 1, "lstm": 2, "gru": 1, "gru-reset-after": 1}


def layer(cell, units, direction="forward", **more):
    return {"kind": "recurrent", "cell": cell, "units": units, "direction": direction, **more}


def dense(units, activation):
    return {"kind": "dense", "units": units, "activation": activation}


def width(one):
    return one["units"] * (2 if one.get("direction") == "both" else 1)


def recurrent_shapes(place, one, inputs):
    rows = GATES[one["cell"]] * one["units"]
    for reverse in {"forward": [""], "backward": ["_reverse"]}.get(one["direction"], ["", "_reverse"]):
        end = f"_l{place}{reverse}"
        yield f"rnn.weight_ih{end}", [rows, inputs]
        yield f"rnn.weight_hh{end}", [rows, one["units"]]
        yield f"rnn.bias_ih{end}", [rows]
        yield f"rnn.bias_hh{end}", [rows]


def write(path, inputs, outputs, stack, head=None, columns=None, scaling=None):
    """A model on numbers, all weights 1/8. `columns`: outputs of its last linear layer."""
    shapes, size = {}, inputs
    for place, one in enumerate(stack):
        if one["kind"] == "dense":
            shapes |= {f"dense.weight_l{place}": [one["units"], size], f"dense.bias_l{place}": [one["units"]]}
        else:
            shapes |= dict(recurrent_shapes(place, one, size))
        size = width(one)
    columns = columns or outputs
    shapes |= {"head.weight": [columns, size], "head.bias": [columns]}
    config = {"cell": "gru", "layers": 1, "hidden": 256, "inputs": inputs, "outputs": outputs}
    metadata = {"format": "pt", "sluice.version": "1", "sluice.cell": "gru", "sluice.config": json.dumps(config),
                "sluice.layers": json.dumps(stack), "sluice.self-check": "none", "sluice.checksum": "none"}
    if head:
        metadata["sluice.head"] = json.dumps(head)
    if scaling:
        metadata["sluice.scaling"] = json.dumps(scaling)
    header, data = {"__metadata__": metadata}, b""
    for name, shape in sorted(shapes.items()):
        count = math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * count]}
        data += struct.pack(f"<{count}f", *[0.125] * count)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def recurrent_costs(cell, units, inputs, directions=1):
    products = GATES[cell] * units * (inputs + units)
    biases = GATES[cell] * units + (units if cell == "gru-reset-after" else 0)
    return {"parameters": directions * (products + biases), "bytes": 4 * directions * (products + biases),
            "state_bytes": 4 * directions * STATES[cell] * units, "multiply_adds": directions * products}


def dense_costs(units, inputs):
    return {"parameters": units * inputs + units, "bytes": 4 * (units * inputs + units), "state_bytes": 0,
            "multiply_adds": units * inputs}


def expect_parts(path, expected):
    """Each part's inputs, outputs and costs; returns what --json said."""
    said = sluice_json("info", path)
    found = said["parts"]
    assert [(part["name"], part["inputs"], part["outputs"]) for part in found] == [one[:3] for one in expected]
    for part, (*_, costs) in zip(found, expected):
        assert {key: part[key] for key in costs} == costs, part["name"]
    assert said["totals"]["parameters"] == said["parameters"] == sum(part["parameters"] for part in found)
    assert said["totals"]["bytes"] == 4 * said["parameters"]
    for cost in "state_bytes", "multiply_adds":
        assert said["totals"][cost] == sum(part[cost] for part in found if part["per"] == "step" or cost != "multiply_adds")
    table, _ = sluice("info", path)
    rows = [line.split() for line in table.splitlines()]
    for name, inputs, outputs, costs in expected:
        cells = [name, f"{inputs:,}", "->", f"{outputs:,}", f"{costs['parameters']:,}"]
        assert any(row[:5] == cells for row in rows), (cells, table)
    return said


@pytest.mark.parametrize("cell", CELLS)
def test_a_stack_of_every_kind(tmp_path, cell):
    stack = [dense(7, "relu"), layer(cell, 5, "both"), layer("lstm", 4, "sum"), dense(6, "none"), layer(cell, 3, "backward")]
    path = write(tmp_path / "m.safetensors", 2, 4, stack)
    said = expect_parts(path, [
        ("dense", 2, 7, dense_costs(7, 2)), (cell, 7, 10, recurrent_costs(cell, 5, 7, 2)),
        ("lstm", 10, 4, recurrent_costs("lstm", 4, 10, 2)), ("dense", 4, 6, dense_costs(6, 4)),
        (cell, 6, 3, recurrent_costs(cell, 3, 6)), ("squared", 3, 4, dense_costs(4, 3))])
    details = [part["detail"] for part in said["parts"]]
    assert details[:2] == ["7 units, relu", "5 units each way, side by side"] and "backward" in details[4]
    assert [one["units"] for one in said["config"]["stack"]] == [7, 5, 4, 6, 3]
    assert "hidden" not in said["config"] and "layers" not in said["config"], "they are those of no layer"


@pytest.mark.parametrize("head, columns", [
    ({"loss": "absolute"}, 2), ({"loss": "huber", "huber-delta": 0.5}, 2), ({"loss": "multilabel"}, 2),
    ({"loss": "softmax"}, 2), ({"loss": "quantiles", "quantiles": [0.1, 0.5, 0.9]}, 6), ({"loss": "normal"}, 4)])
@pytest.mark.parametrize("at", ["steps", "last", "mean", "max"])
def test_every_head(tmp_path, head, columns, at):
    path = write(tmp_path / "m.safetensors", 3, 2, [layer("gru", 4), layer("gru", 3)], head | {"at": at}, columns)
    said = expect_parts(path, [("gru", 3, 4, recurrent_costs("gru", 4, 3)), ("gru", 4, 3, recurrent_costs("gru", 3, 4)),
                               (head["loss"], 3, columns, dense_costs(columns, 3))])
    assert said["parts"][-1]["per"] == ("step" if at == "steps" else "sequence")
    assert said["config"]["head"]["loss"] == head["loss"]
    assert ("once a sequence" in sluice("info", path)[0]) == (at != "steps")


@pytest.mark.parametrize("options", [["--tied"], ["--no-tied", "--embedding=7"], ["--hidden=12,5"], ["--layers=2", "--cell=lstm"]])
def test_a_model_of_text(text, tmp_path, options):
    path = tmp_path / "m.safetensors"
    sluice("train", text, "-o", path, *but(TINY, "--epochs=1", *options))
    said = sluice_json("info", path)
    config, vocabulary = said["config"], said["vocabulary"]["size"]
    embedding = config["embedding"]
    sizes = [one["units"] for one in config["stack"]] if "stack" in config else [config["hidden"]] * config["layers"]
    expected, size = [("embedding", vocabulary, embedding, {"parameters": vocabulary * embedding, "multiply_adds": 0})], embedding
    for units in sizes:
        expected.append((said["cell"], size, units, recurrent_costs(said["cell"], units, size)))
        size = units
    costs = dense_costs(vocabulary, size)
    if config["tied"]:  # its weights are counted once
        costs |= {"parameters": vocabulary, "bytes": 4 * vocabulary}
    expect_parts(path, [*expected, ("softmax", size, vocabulary, costs)])


def test_the_picture(tmp_path):
    path = write(tmp_path / "m.safetensors", 2, 4, [dense(7, "relu"), layer("lstm", 5, "both")], {"at": "mean"})
    picture = tmp_path / "parts.svg"
    out, _ = sluice("info", path, "--svg", picture)
    assert out == sluice("info", path)[0], "what it prints is the same"
    texts = ["".join(element.itertext()) for element in xml.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}text")]
    drawn = "\n".join(texts)
    for wanted in ["2 numbers", "dense", "7 units, relu", "lstm", "5 units each way, side by side", "squared",
                   "mean over the steps", "520 parameters", "4 outputs", "total"]:
        assert wanted in drawn, wanted
    assert not {"│", "┌", "─"} & set(drawn), "lines are shapes, so that they meet"
    refused("info", path, "--svg", picture, code=1, names=[picture])
    sluice("info", path, "--svg", picture, "--force")
    assert json.loads(sluice("info", path, "--json", "--svg", tmp_path / "other.svg")[0])["parts"]


def test_what_is_done_to_the_features_and_the_prediction_is_shown(tmp_path):
    path = tmp_path / "m.safetensors"
    write(path, 2, 1, [layer("lstm", 4)], {"loss": "squared", "residual": [1]},
          scaling={"mean": [1.5, -2], "deviation": [0.5, 4]})
    parts = sluice_json("info", path)["parts"]
    assert [part["kind"] for part in parts] == ["scaling", "recurrent", "head"]
    assert (parts[0]["inputs"], parts[0]["outputs"], parts[0]["parameters"], parts[0]["bytes"]) == (2, 2, 0, 16)
    assert parts[1]["inputs"] == 2 and parts[1]["parameters"] == 4 * 4 * (2 + 4 + 1)
    assert "features added" in parts[2]["detail"]
    picture = tmp_path / "picture.svg"
    sluice("info", path, "--svg", picture)
    assert "by mean and deviation of each feature" in picture.read_text()
    write(path, 2, 1, [layer("lstm", 4), dense(3, "tanh")], scaling={"mean": [1.5, -2], "deviation": [0.5, 4]})
    out, _ = sluice("info", path)
    shown = [line.split() for line in out.splitlines() if line.startswith("layer ")]
    assert [words[:3] for words in shown] == [["layer", "0", "lstm,"], ["layer", "1", "dense,"]]
