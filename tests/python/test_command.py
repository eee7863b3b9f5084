"""Every verb of the command: what it prints, as JSON and for people, and where."""

import json
import math
import re

import pytest

from conftest import CELLS, COMMAND, TINY, but, in_a_terminal, refused, sluice, sluice_json, start, tensors

VERBS = ["train", "complete", "gates", "explain", "units", "serve", "eval", "compare", "info", "import", "export", "demo"]
GATES = {"gru": ["retain", "reset"], "gru-reset-after": ["retain", "reset"], "lstm": ["input", "forget", "output"]}
PROMPT = "Ada likes the red house, and"


def has(result, keys):
    missing = [key for key in keys.split() if key not in result]
    assert not missing, f"without {missing}: {sorted(result)}"


def plain(output):
    assert "\x1b" not in output and "\r" not in output


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb):
    out, err = sluice(verb, "--help")
    assert verb in out and err == ""


def test_help_lists_the_verbs():
    out, _ = sluice("--help")
    for verb in VERBS:
        assert re.search(rf"^\s*{verb}\b", out, re.MULTILINE), verb


def test_train_reports(text, tmp_path):
    model, log = tmp_path / "m.safetensors", tmp_path / "log.jsonl"
    result = sluice_json("train", text, "-o", model, *TINY, "--log", log)
    has(result, "parameters tokens epochs seconds tokens_per_second train_loss validation_loss model")
    assert result["model"] == str(model) and model.exists()
    assert result["epochs"] == 2 and result["parameters"] > 0 and result["tokens"] > 0
    assert 0 < result["train_loss"] < 5 and 0 < result["validation_loss"] < 5
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) >= 2 and all(isinstance(line, dict) for line in lines)


def test_what_needs_a_validation_text_is_content_with_a_share_of_this_one(text, tmp_path):
    model = tmp_path / "m.safetensors"
    sluice("train", text, "-o", model, *TINY, "--schedule", "plateau", "--patience", "1")
    sluice("train", text, "-o", model, *TINY, "--force", "--no-tied", "--ema-decay", "0.9", "--calibrate-temperature")
    _, err = sluice("train", text, "-o", model, *TINY, "--force", "--validation-split", "0", "--patience", "1", code=2)
    assert "patience" in err


def test_training_learns(text, tmp_path):
    model = tmp_path / "m.safetensors"
    result = sluice_json("train", text, "-o", model, *but(TINY, "--epochs=20", "--lr=0.01"))
    # A sentence has three free choices of one in five over its dozen tokens; 1.0 is far below the unigrams' 3.
    assert result["validation_loss"] < 1.0


def test_output_in_a_pipe_is_plain(text, models, tmp_path):
    for arguments in (["train", text, "-o", tmp_path / "m.safetensors", *TINY],
                      ["complete", models["gru"], PROMPT],
                      ["gates", models["gru"], PROMPT],
                      ["info", models["gru"]],
                      ["eval", models["gru"], text]):
        out, err = sluice(*arguments)
        assert out.strip()
        plain(out)
        plain(err)


def test_train_without_further_options(text, tmp_path):
    # The defaults suit larger texts; this one is short and must still be served.
    model = tmp_path / "m.safetensors"
    out, _ = sluice("train", text, "-o", model, timeout=120)
    assert model.exists() and str(model) in out


@pytest.mark.parametrize("level", ["word", "char", "pretokenized"])
def test_levels(text, tmp_path, level):
    model = tmp_path / "m.safetensors"
    sluice("train", text, "-o", model, *TINY, "--level", level)
    result = sluice_json("complete", model, "Ada", "-n", "5")
    assert result["unknown"] == []
    assert all(len(candidate["token"]) == 1 for candidate in result["candidates"]) == (level == "char")


def test_lowercase_and_vocabulary_limits(text, tmp_path):
    model = tmp_path / "m.safetensors"
    sluice("train", text, "-o", model, *TINY, "--lowercase", "--max-vocabulary", "10")
    info = sluice_json("info", model)
    assert sluice_json("eval", model, text)["unknown"] > 0
    assert "10" in json.dumps(info)


def test_complete(models):
    result = sluice_json("complete", models["gru"], PROMPT, "--top", "4")
    has(result, "prompt unknown candidates continuation")
    assert result["prompt"] == PROMPT and result["unknown"] == []
    probabilities = [candidate["probability"] for candidate in result["candidates"]]
    assert len(probabilities) == 4 and probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) <= 1


def test_continuations_follow_the_seed(models):
    def continuation(*options):
        return sluice_json("complete", models["gru"], PROMPT, "-n", "30", *options)["continuation"]

    assert continuation("--seed", "1") == continuation("--seed", "1") != continuation("--seed", "2")
    greedy = continuation("--temp", "0", "--seed", "1")
    assert greedy == continuation("--temp", "0", "--seed", "2") == continuation("--top-p", "0.000001", "--seed", "3")
    likeliest = sluice_json("complete", models["gru"], PROMPT)["candidates"][0]["token"]
    assert greedy.strip().startswith(likeliest.strip())


def test_complete_reads_lines_from_stdin(models):
    out, _ = sluice("complete", models["gru"], "--json", input=b"Ada likes\nBela sees a quiet\n")
    prompts = [json.loads(line)["prompt"] for line in out.splitlines()]
    assert prompts == ["Ada likes", "Bela sees a quiet"]


def test_a_prompt_of_only_unknown_words_is_answered_and_said_so(models):
    result = sluice_json("complete", models["gru"], "Zyzzyva quux")
    assert result["unknown"] == ["Zyzzyva", "quux"] and result["candidates"]
    out, err = sluice("complete", models["gru"], "Zyzzyva quux")
    assert out.strip() and "Zyzzyva" in err and "<unk>" in err


@pytest.mark.parametrize("cell", CELLS)
def test_gates(models, cell):
    result = sluice_json("gates", models[cell], PROMPT)
    has(result, "cell tokens layers")
    assert result["cell"] == cell
    assert [token.strip() for token in result["tokens"]] == ["Ada", "likes", "the", "red", "house", ",", "and"]
    (layer,) = result["layers"]
    if cell == "rnn":
        assert not layer.get("gates")
        shown = {"hidden": layer["hidden"]}
        least = -1
    else:
        assert sorted(layer["gates"]) == sorted(GATES[cell])
        shown = layer["gates"]
        least = 0
    for name, rows in shown.items():
        assert len(rows) == 7 and all(len(row) == 16 for row in rows), name
        assert all(least <= value <= 1 for row in rows for value in row), name


@pytest.mark.parametrize("cell", CELLS)
def test_gates_for_people(models, cell):
    out, _ = sluice("gates", models[cell], PROMPT)
    for word in ["Ada", "likes", "house", *GATES.get(cell, ["hidden"])]:
        assert word in out


def test_eval(models, text):
    result = sluice_json("eval", models["gru"], text)
    has(result, "tokens unknown nats_per_token perplexity bits_per_token recall_at_1 recall_at_3")
    nats = result["nats_per_token"]
    assert result["perplexity"] == pytest.approx(math.exp(nats), rel=1e-6)
    assert result["bits_per_token"] == pytest.approx(nats / math.log(2), rel=1e-6)
    assert 0 < result["recall_at_1"] <= result["recall_at_3"] <= 1


def test_precision(models, text):
    exact = sluice_json("eval", models["lstm"], text)["nats_per_token"]
    losses = [sluice_json("eval", models["lstm"], text, "--precision", p)["nats_per_token"] for p in ("bf16", "int8")]
    assert all(loss != exact and loss == pytest.approx(exact, rel=0.01) for loss in losses)
    exact, short = (sluice_json("complete", models["lstm"], PROMPT, "--precision", p) for p in ("f32", "int8"))
    assert exact != short and exact["candidates"][0]["token"] == short["candidates"][0]["token"]
    sluice("complete", models["lstm"], PROMPT, "--precision", "f16", code=2)


def test_dash_is_standard_input(models, text, tmp_path):
    from_file = sluice_json("eval", models["gru"], text)
    from_pipe = sluice_json("eval", models["gru"], "-", input=text.read_bytes())
    for result in (from_file, from_pipe):
        for key in [key for key in result if "second" in key or key in ("file", "name")]:
            result.pop(key)
    assert from_file == from_pipe
    sluice("train", "-", "-o", tmp_path / "m.safetensors", *TINY, input=text.read_bytes())
    assert (tmp_path / "m.safetensors").exists()


def test_compare(text):
    result = sluice_json("compare", text, "--cells", "rnn,gru", *TINY)
    cells = result["cells"]
    assert {cell["cell"] for cell in cells} == {"rnn", "gru"}
    for cell in cells:
        has(cell, "cell hidden parameters seconds tokens_per_second step_microseconds nats_per_token "
            "recall_by_distance")
        for row in cell["recall_by_distance"]:
            has(row, "words accuracy n")
    sizes = [cell["parameters"] for cell in cells]
    assert max(sizes) < 1.1 * min(sizes), "matched parameter counts"


def test_compare_favourites():
    result = sluice_json("compare", "--favourites", "--words=4000", "--longest=2", "--stories=20", "--distances=0,5",
                         "--cells=gru", "--seeds=1,2", *but(TINY, "--epochs=1"))
    (cell,) = result["cells"]
    assert [row["words"] for row in cell["recall_by_distance"]] == [0, 5]
    assert all(0 <= row["accuracy"] <= 1 and row["n"] >= 2 * 20 for row in cell["recall_by_distance"])


def test_demo_on_a_small_budget(tmp_path):
    """What it shows after a full training is the README's test; here, that it shows it and saves its models."""
    options = ["-o", tmp_path / "demo", "--words=20000", "--threads=2"]
    out, err = sluice("demo", *options)
    plain(out + err)
    words = " ".join(out.split())
    assert "his favorite cuisine is" in words and "Bhavin's favorite cuisine is" in words
    for word in "rnn", "lstm", "gru", "retain", "reset", "80":
        assert word in out.lower(), word
    saved = sorted((tmp_path / "demo").glob("*.safetensors"))
    assert len(saved) == 3
    # Nothing has been learned of so few words, and it does not claim otherwise.
    assert "None of them has learned the stories" in words and "forgets" not in words
    assert " serve " in out and " explain " in out
    content = [model.read_bytes() for model in saved]
    refused("demo", *options, code=1, names=[tmp_path / "demo", "--force"])
    assert [model.read_bytes() for model in saved] == content
    for model in saved:
        assert sluice_json("complete", model, "Dhaval eats samosa")["candidates"]
    result = sluice_json("demo", *options, "--force")
    assert "None of them" in result["verdict"]
    assert [cell["cell"] for cell in result["cells"]] == ["rnn", "lstm", "gru"]
    sizes = [cell["parameters"] for cell in result["cells"]]
    assert max(sizes) < 1.05 * min(sizes)


@pytest.mark.parametrize("verb", ["complete", "gates"])
def test_a_terminal_is_coloured_unless_told_not_to(models, verb):
    colour = re.compile(r"\x1b\[[0-9;]*[34]8;[0-9;]*m")
    assert colour.search(in_a_terminal(verb, models["gru"], PROMPT))
    assert not colour.search(in_a_terminal(verb, models["gru"], PROMPT, NO_COLOR="1"))
    assert "\x1b" not in in_a_terminal(verb, models["gru"], PROMPT, TERM="dumb")


def test_training_in_a_terminal_shows_progress(text, tmp_path):
    shown = in_a_terminal("train", text, "-o", tmp_path / "m.safetensors", *but(TINY, "--epochs=30"))
    assert "\r" in shown and "tokens/s" in shown and "%" in shown
    assert re.search(r"m\.safetensors: gru .* nats per token", shown), "a final line that a log can keep"


def test_info(models):
    for cell, model in models.items():
        result = sluice_json("info", model)
        assert result["cell"] == cell and result["config"]["hidden"] == 16
        out, _ = sluice("info", model)
        assert cell in out


def test_same_seed_same_bytes_for_any_number_of_threads(text, tmp_path):
    def train(name, *options):
        path = tmp_path / name
        sluice("train", text, "-o", path, *but(TINY, "--layers=2", "--dropout=0.2", *options))
        return tensors(path)

    one = train("one", "--seed=7")
    for threads in 2, 3, 4:
        assert train(f"{threads}", "--seed=7", f"--threads={threads}") == one
    assert train("other", "--seed=8") != one


def test_a_reader_that_leaves_early_is_no_error(models):
    process = start("complete", models["gru"], "Ada", "-n", "100000")
    process.stdout.close()
    process.stderr.read()
    assert process.wait(timeout=60) != -11
