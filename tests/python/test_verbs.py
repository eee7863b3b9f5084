"""Every verb on a model of every task: it works, or says in one sentence what the model is for and which verb knows it."""

import random
import subprocess

import pytest

from conftest import refused, sluice, start

TASKS = ["language", "numbers", "texts", "tag", "music", "forecast", "detect"]
# What each is called where it is refused, and what goes on with it.
CALLED = {"language": ["of language", "sluice complete"], "numbers": ["classifies", "sluice predict"],
          "texts": ["classifies", "sluice predict"], "tag": ["tags words", "sluice predict"],
          "music": ["of music", "sluice complete"], "forecast": ["forecasts", "sluice predict"],
          "detect": ["detects", "sluice predict"]}


def write(path, lines):
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory, text):
    """A model of every task, and the file that it was trained on."""
    folder, draw = tmp_path_factory.mktemp("tasks"), random.Random(1)
    files = {
        "language": text,
        "numbers": write(folder / "n.ts", ["@problemName n", "@univariate true", "@classLabel true down up", "@data"] +
                         [",".join(f"{draw.random():.3f}" for _ in range(5)) + ":" + draw.choice(["up", "down"]) for _ in range(20)]),
        "texts": write(folder / "t.tsv", [f"{kind}\t{draw.choice('abc')}{draw.choice('xyz')}" for kind in ("one", "two") * 20]),
        "tag": write(folder / "s.conllu", [line for _ in range(20) for line in
                                           ("1\ta\t_\tDET" + "\t_" * 6, f"2\t{draw.choice('xyz')}\t_\tNOUN" + "\t_" * 6, "")]),
        "music": write(folder / "m.txt", [" ; ".join(str(draw.randint(50, 70)) for _ in range(8)) for _ in range(12)]),
        "forecast": write(folder / "f.csv", ["t,x"] + [f"{t},{draw.random():.3f}" for t in range(90)]),
    }
    files["detect"] = files["forecast"]
    models = {}
    for task in TASKS:
        models[task] = folder / f"{task}.safetensors"
        flags = {"detect": ["--task=detect", "--time=t"], "forecast": ["--task=forecast", "--time=t", "--horizon=3"]}
        sluice("train", files[task], "-o", models[task], "--hidden=8", "--epochs=1", "--threads=1", *flags.get(task, []))
    return models, files


def refused_as(task, verb, *arguments, code=3, **options):
    refused(*arguments, code=code, names=[verb, *CALLED[task]], **options)


@pytest.mark.parametrize("task", TASKS)
def test_info_and_eval_know_every_task(trained, task):
    models, files = trained
    assert "parameters" in sluice("info", models[task])[0]
    sluice("eval", models[task], files[task])


@pytest.mark.parametrize("task", TASKS)
def test_predict(trained, task):
    models, files = trained
    arguments = ["predict", models[task], files[task]]
    if task in ("language", "music"):
        refused_as(task, "predict", *arguments)
    else:
        assert sluice(*arguments, *(["--labelled"] if task == "texts" else []))[0]


@pytest.mark.parametrize("task", TASKS)
def test_complete(trained, task):
    models, _ = trained
    if task in ("language", "music"):
        assert sluice("complete", models[task], "60 ; 62" if task == "music" else "a", "-n", 3)[0]
    else:
        refused_as(task, "complete", "complete", models[task], "a")


@pytest.mark.parametrize("verb", ["gates", "explain"])
@pytest.mark.parametrize("task", TASKS)
def test_what_a_network_kept_is_shown_of_texts(trained, task, verb):
    models, _ = trained
    if task in ("language", "texts", "tag"):
        assert sluice(verb, models[task], "a b")[0]
    else:
        refused_as(task, verb, verb, models[task], "a b")


@pytest.mark.parametrize("task", TASKS)
def test_units(trained, task):
    models, files = trained
    if task in ("language", "texts", "tag"):
        assert "follows" in sluice("units", models[task], files[task])[0]
    else:
        refused_as(task, "units", "units", models[task], files[task])


@pytest.mark.parametrize("task", TASKS)
def test_serve(trained, task):
    models, _ = trained
    if task != "language":
        refused_as(task, "serve", "serve", models[task], "--port=0")
        # Beside a model that it can serve as well.
        return refused_as(task, "serve", "serve", models["language"], models[task], "--port=0")
    process = start("serve", models[task], "--port=0")
    assert process.stdout.readline().startswith(b"http://")
    process.terminate()
    process.communicate(timeout=20)


@pytest.mark.parametrize("task", TASKS)
def test_compare_and_train_take_what_is_trained_on(trained, tmp_path, task):
    models, files = trained
    refused_as(task, "compare", "compare", models[task])
    refused_as(task, "train", "train", models[task], "-o", tmp_path / "m")
    quick = ["--cells=gru", "--epochs=1", "--hidden=4", "--batch=2", "--steps=8", "--min-count=1"]
    said = sluice("compare", files[task], *quick)[1]
    assert ("looks like a file for" in said) == (task != "language")
    named = {"numbers": "classify", "texts": "classify", "detect": "forecast"}.get(task, task)
    assert task == "language" or f"for {named} " in said


@pytest.mark.parametrize("task", TASKS)
def test_train_from(trained, tmp_path, task):
    models, files = trained
    arguments = ["train", files["language"], "-o", tmp_path / "m.safetensors", "--from", models[task], "--epochs=1"]
    if task == "language":
        sluice(*arguments)
    else:
        refused_as(task, "train", *arguments)
        assert not (tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize("to", ["c", "onnx"])
@pytest.mark.parametrize("task", TASKS)
def test_export(trained, tmp_path, task, to):
    """C runs forward, a step at a time; ONNX runs what it is given."""
    models, _ = trained
    output = tmp_path / "out"
    arguments = ["export", models[task], "--to", to, "-o", output]
    if to == "c" and task in ("numbers", "texts", "tag", "music"):
        instead = "--spelling-units 0" if task == "tag" else "--to onnx"  # which refuses spelt words as well
        forward = ["--direction forward --at last"] if task == "numbers" else []
        refused(*arguments, code=3, names=["export --to c", "expected", instead, *forward])
        assert not output.exists()
    elif to != "c" and task == "tag":
        refused(*arguments, code=2, names=["words that are spelt", "--spelling-units 0"])
    else:
        sluice(*arguments)
        assert output.stat().st_size > 1000
