"""A model on numbers, which the library makes: `sluice info` shows it, and the verbs on words refuse it."""

import json
import struct

import pytest

from conftest import refused, sluice, sluice_json

CONFIG = {"cell": "gru", "layers": 1, "hidden": 2, "inputs": 3, "outputs": 1}
# PyTorch's names and shapes, with two rows a gate.
SHAPES = {"head.bias": [1], "head.weight": [1, 2], "rnn.bias_hh_l0": [6], "rnn.bias_ih_l0": [6],
          "rnn.weight_hh_l0": [6, 2], "rnn.weight_ih_l0": [6, 3]}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model file written by hand, all weights a quarter."""
    header = {"__metadata__": {"format": "pt", "sluice.version": "1", "sluice.cell": "gru",
                               "sluice.config": json.dumps(CONFIG), "sluice.self-check": "none",
                               "sluice.checksum": "none"}}
    data = b""
    for name, shape in SHAPES.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * count]}
        data += struct.pack(f"<{count}f", *[0.25] * count)
    text = json.dumps(header).encode()
    path = tmp_path_factory.mktemp("numbers") / "numbers.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_info_shows_what_it_reads(model):
    out, _ = sluice("info", model)
    rows = {tuple(line.split(maxsplit=1)) for line in out.splitlines() if line.strip()}
    assert {("inputs", "3"), ("outputs", "1"), ("reads", "numbers, 3 in and 1 out a step")} <= rows
    assert not {"vocabulary", "embedding", "tied"} & {row[0] for row in rows}
    found = sluice_json("info", model)
    assert found["config"]["inputs"] == 3 and found["config"]["outputs"] == 1 and "embedding" not in found["config"]
    assert found["parameters"] == 3 + 6 * 6 and "vocabulary" not in found


def test_a_model_of_text_has_no_such_fields(models):
    assert not {"inputs", "outputs"} & set(sluice_json("info", models["gru"])["config"])
    help_text, _ = sluice("train", "--help")
    assert "--inputs" not in help_text and "--outputs" not in help_text
    refused("train", "x.txt", "-o", "x.safetensors", "--inputs", "3", code=2, names=["--inputs"])


@pytest.mark.parametrize("verb, rest", [("complete", ["the"]), ("gates", ["the"]), ("explain", ["the"]),
                                        ("eval", ["text"])])
def test_verbs_on_words_refuse_it(model, text, verb, rest):
    rest = [str(text)] if rest == ["text"] else rest
    refused(verb, model, *rest, code=3, names=[model, "expected a model of text", "numbers, 3 in and 1 out a step"])


def test_what_learns_or_predicts_a_task_says_what_it_is(model, tmp_path):
    """And names no verbs of texts, which would refuse it."""
    table = tmp_path / "t.csv"
    table.write_text("a,b\n" + "1,2\n" * 9)
    for command in ["predict", model, table], ["train", model, "-o", tmp_path / "m"]:
        _, err = sluice(*command, code=3)
        assert f"{model}: " in err and "one of numbers, 3 in and 1 out a step" in err
        assert "language" not in err and "complete" not in err


def test_the_server_refuses_it_before_it_listens(model, models):
    """Every route asks with words, so there is nothing that such a model could be asked."""
    for others in [], [models["gru"]]:
        refused("serve", *others, model, "--port=0", code=3,
                names=[model, "expected a model of text", "numbers, 3 in and 1 out a step"])
