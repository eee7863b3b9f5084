"""The tutorial, run from its first cell to its last as a notebook runs it."""

import json

import pytest

from conftest import ROOT

nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")

TUTORIAL = ROOT / "docs/tutorial.ipynb"


def test_the_tutorial_runs_and_shows_what_it_says(tmp_path):
    notebook = nbformat.read(TUTORIAL, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "it is kept without outputs"
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3",
                            resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [json.dumps(cell.get("outputs")) for cell in notebook.cells]
    everything = "".join(outputs)
    assert "<iframe" in everything  # the page is inline
    trained = next(output for cell, output in zip(notebook.cells, outputs) if "sluice.train(" in cell.source
                   and cell.cell_type == "code")
    assert "epoch 25/25 [####################] 100%" in trained and trained.count("epoch") == 1  # one line, drawn anew
    remembered = next(cell.outputs[0].text for cell in notebook.cells if "for animal in animals" in cell.source
                      and cell.cell_type == "code")
    assert all(line.split("'")[1] == line.split()[0] for line in remembered.strip().splitlines()), remembered
    first, last = next(cell.outputs[0].data["text/plain"].strip("()").split(", ") for cell in notebook.cells
                       if "losses[0], losses[-1]" in cell.source)
    assert float(last) < float(first) / 3
    errors = eval(next(cell.outputs[0].data["text/plain"] for cell in notebook.cells if "forecaster.evaluate(" in cell.source))
    assert errors["model"] < min(errors["last_value"], errors["seasonal_last_value"])
    unusual = next(cell.outputs[0].data["text/plain"] for cell in notebook.cells if "detector.detect(" in cell.source)
    assert unusual.splitlines()[2].startswith("2026-02-27 03:00:00") and "load" in unusual
