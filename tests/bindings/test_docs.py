"""What documentation shows runs, and types are as strict as they look."""

import doctest
import importlib
import pathlib
import re
import subprocess
import sys

import pytest

import sluice
from conftest import ROOT, small_text

GUIDE = ROOT / "docs/python.md"
MODULES = ["sluice", "sluice.nn", "sluice._model", "sluice._train", "sluice._explain", "sluice._classifier",
           "sluice._language", "sluice._tagger", "sluice._forecaster", "sluice._detector", "sluice.torch"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "notes.txt").write_text(small_text())
    monkeypatch.chdir(tmp_path)
    sluice.train("notes.txt", hidden=8, epochs=1, progress=False).save("notes.safetensors")
    return tmp_path


def run(tests, name):
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    tried = 0
    for test in tests:
        tried += runner.run(test).attempted
    assert tried > 0, f"{name} shows nothing that runs"
    assert runner.failures == 0


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(folder, name):
    if name == "sluice.torch":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    module = importlib.import_module(name)
    tests = [test for test in doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs={"sluice": sluice})
             if test.examples]
    if tests or name not in ("sluice._explain",):
        run(tests, name)


def test_the_guide_runs(folder):
    parser = doctest.DocTestParser()
    (folder / "notes.safetensors").unlink()
    text = re.sub(r"^```.*$", "", GUIDE.read_text(), flags=re.M)
    run([parser.get_doctest(text, {}, "docs/python.md", str(GUIDE), 0)], "docs/python.md")


def test_what_the_readme_shows_runs(folder, capsys):
    (block,) = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), flags=re.M | re.S)
    exec(block.replace('level="char"', 'level="char", hidden=16, epochs=1'), {})  # what is shown takes longer
    assert capsys.readouterr().out.strip()


def test_every_public_function_is_documented():
    for owner in [sluice, sluice.nn, sluice.Model, sluice.Stream, sluice.StreamBatch, sluice.State,
                  sluice.SequenceClassifier, sluice.SequenceTagger, sluice.LanguageModel, sluice.Forecaster,
                  sluice.AnomalyDetector, sluice.nn.GRU]:
        for name in dir(owner):
            thing = None if name.startswith("_") or name == "torch" else getattr(owner, name)
            if callable(thing) and (getattr(thing, "__module__", "") or "").startswith("sluice"):
                assert getattr(thing, "__doc__", None), f"{owner.__name__}.{name}"


def mypy(*arguments):
    found = subprocess.run([sys.executable, "-m", "mypy", "--no-incremental", *arguments], capture_output=True, text=True)
    return found.returncode, found.stdout + found.stderr


def test_snippets_are_typed_strictly(tmp_path):
    pytest.importorskip("mypy")
    lines = [line[4:] for line in GUIDE.read_text().splitlines() if line.startswith((">>> ", "... "))]
    lines += ["reveal_type(model.complete('a'))", "reveal_type(model.eval('notes.txt').bits_per_token)",
              "reveal_type(classifier.predict_proba(X))", "reveal_type(sluice.load('x'))"]
    (tmp_path / "guide.py").write_text("\n".join(lines) + "\n")
    code, said = mypy("--strict", str(tmp_path / "guide.py"))
    assert code == 0, said
    for kind in ('"str"', '"float"', "ndarray", '"sluice._model.Model"'):
        assert f"Revealed type is {kind}" in said or kind == "ndarray" and "Revealed type is" in said, said
    (tmp_path / "wrong.py").write_text("import sluice\nsluice.train('a', hidden='8')\nsluice.load(3).nothing()\n"
                                       "sluice.train('a', hiden=8)\n")
    code, said = mypy("--strict", str(tmp_path / "wrong.py"))
    assert code == 1 and said.count("error:") == 3, said


def test_the_stub_is_that_of_the_module(tmp_path):
    pytest.importorskip("mypy")
    found = subprocess.run([sys.executable, "-m", "mypy.stubtest", "sluice._core", "--ignore-missing-stub"],
                           capture_output=True, text=True, cwd=tmp_path)
    # Functions and classes of nanobind are of its own kinds, which stubtest does not know.
    known = ("is not a function", "metaclass differs", "disjoint base", "stub is a staticmethod but runtime is not",
             'does not have *args parameter "args"')
    errors = [line for line in found.stdout.splitlines() if line.startswith("error:")]
    assert errors, found.stdout + found.stderr
    assert not [line for line in errors if not any(kind in line for kind in known)]
