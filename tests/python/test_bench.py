"""sluice bench, and what reads its output: bench/compare and the tables of bench/peers."""

import copy
import json
import subprocess
import sys

import pytest

from conftest import CELLS, ROOT, refused, sluice, sluice_json

sys.path.append(str(ROOT / "bench/peers"))


@pytest.fixture(scope="module")
def report():
    return sluice_json("bench", "--quick", "--hidden", "8,24", "--threads", "2", "--work",
                       "step,stream,inference,training")


def test_every_cell_is_measured_at_every_size(report):
    found = {(r["work"], r["cell"], r["hidden"], r["threads"]) for r in report["results"]}
    expected = {(work, cell, hidden, threads) for cell in CELLS for hidden in (8, 24)
                for work, teams in (("step", [1]), ("stream", [1]), ("inference", [1, 2]), ("training", [1, 2]))
                for threads in teams}
    assert found == expected


def test_times_and_ceilings_are_in_order(report):
    for result in report["results"]:
        s = result["seconds"]
        assert 0 < s["min"] <= s["lower"] <= s["median"] <= s["upper"] <= s["max"] and s["samples"] >= 3
        assert result["limit_seconds"] > 0
        assert result["limits"] == pytest.approx(s["median"] / result["limit_seconds"])
    ceilings = report["ceilings"]
    # The best of each, of one thread: on a busy machine a single sample says little, and two threads take turns.
    assert 1e8 < ceilings["product_flops"]["one"]["max"] < 1.05 * ceilings["multiply_add_flops"]["one"]["max"]
    assert all(ceilings[what]["all"]["max"] > 1e8 for what in ("product_flops", "multiply_add_flops"))
    assert [read["bytes"] for read in ceilings["reads"]] == sorted({read["bytes"] for read in ceilings["reads"]})
    assert 0 < report["machine"]["processor_share"] <= 1.01


@pytest.mark.parametrize("cell, inputs, recurrent", [("rnn", 1, 1), ("lstm", 4, 4), ("gru", 3, 3),
                                                     ("gru-reset-after", 3, 3)])
def test_operations_and_bytes_are_those_of_the_equations(report, cell, inputs, recurrent):
    weights = (inputs + recurrent) * 24 * 24
    of = {r["work"]: r for r in report["results"] if r["cell"] == cell and r["hidden"] == 24}
    assert of["step"]["weight_bytes"] == 4 * weights and of["step"]["flops"] == 2 * weights
    assert of["stream"]["weight_bytes"] == 4 * (weights + 64 * 24)
    assert of["inference"]["flops"] == 2 * weights * 32 * 100
    assert of["training"]["flops"] == 6 * weights * 32 * 35


def test_models_are_whole_training_steps():
    out, _ = sluice("bench", "--quick", "--work", "model", "--cells", "rnn", "--threads", "1")
    assert "char-model, rnn" in out and "limits" in out and "busy" not in out.splitlines()[0]


def test_wrong_flags_are_named():
    refused("bench", "--work", "sleep", code=2, names=["--work", "training", "sleep"])
    refused("bench", "--hidden", "0", code=2, names=["--hidden", "0"])
    refused("bench", "--cells", "gru,grue", code=2, names=["grue"])
    refused("bench", "--work", "training,model", "--precision", "int8", code=2, names=["--precision", "bf16", "int8"])


def compare(tmp_path, old, new, *options):
    for name, content in (("old.json", old), ("new.json", new)):
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return subprocess.run([ROOT / "bench/compare", tmp_path / "old.json", tmp_path / "new.json", *options],
                          capture_output=True, text=True)


def changed(report, factor, spread=0.01, limits=None):
    """The report with every time multiplied, and a range between quartiles of this share."""
    new = copy.deepcopy(report)
    for result in new["results"]:
        median = result["seconds"]["median"] * factor
        result["seconds"].update(median=median, lower=median * (1 - spread / 2), upper=median * (1 + spread / 2))
        result["limits"] = limits or result["limits"] * factor
    return new


def test_compare_sees_what_is_outside_the_spread(report, tmp_path):
    steady = changed(report, 1)
    assert compare(tmp_path, steady, steady).returncode == 0
    assert compare(tmp_path, steady, changed(steady, 1.04)).returncode == 0
    slower = compare(tmp_path, steady, changed(steady, 1.2))
    assert slower.returncode == 1 and "SLOWER" in slower.stdout and " of " in slower.stdout.splitlines()[-1]
    assert compare(tmp_path, steady, changed(steady, 1.2, spread=0.5)).returncode == 0
    assert compare(tmp_path, steady, changed(steady, 1.2), "--threshold", "0.3").returncode == 0
    faster = compare(tmp_path, steady, changed(steady, 0.5))
    assert faster.returncode == 0 and "faster" in faster.stdout


def test_compare_by_limits_leaves_the_machine_out(report, tmp_path):
    old, new = changed(report, 1, limits=1.2), changed(report, 3, limits=1.2)
    assert compare(tmp_path, old, new).returncode == 1
    assert compare(tmp_path, old, new, "--limits").returncode == 0


def test_compare_says_what_it_cannot_read(report, tmp_path):
    for old, new in (("{", report), (report, '{"results": 3}'), (report, {**report, "results": []})):
        result = compare(tmp_path, old, new)
        assert result.returncode == 2 and result.stderr.startswith("bench/compare: ") and not result.stdout


def test_weights_come_back_from_every_engine_as_they_went():
    numpy = pytest.importorskip("numpy")
    import gates

    random = numpy.random.default_rng(1)
    for orders in (gates.TORCH, gates.ONNX, gates.ONEDNN):
        for cell, order in orders.items():
            rows = len(order) * 3
            ours = (random.normal(size=(rows, 2)), random.normal(size=(rows, 3)), random.normal(size=rows))
            back = gates.from_peer(cell, order, *gates.to_peer(cell, order, *ours))
            assert all(numpy.array_equal(a, b) for a, b in zip(ours, back))


def test_the_table_says_who_is_ahead_and_what_went_wrong():
    import table

    def entry(seconds, ours=1.0):
        return {"seconds": {"lower": seconds, "median": seconds, "upper": seconds * 1.1}, "limits": 2.0,
                "times_sluice": seconds / ours}

    result = {"work": "training", "cell": "gru", "hidden": 8, "batch": 2, "steps": 3, "threads": 1,
              "engines": {"sluice": entry(1e-3), "pytorch": entry(0.5e-3, 1e-3), "onednn": {"wrong": "dx"},
                          "onnxruntime": {"unsupported": "inference alone"}}}
    text = table.markdown({"processor": "P", "threads": 2, "kernel": "6", "date": "today", "commit": "c", "missing": {},
                           "versions": {"sluice": "1", "pytorch": "2", "onnxruntime": "3", "onednn": "4"},
                           "results": [result]})
    row = next(line for line in text.splitlines() if line.startswith("| gru"))
    assert row == "| gru | 8 | 2 | 3 | 1 | 1 ms (2.00) | 500 µs (2.00) **0.50** | - | wrong | 10 % |"


def test_single_steps_have_a_median_and_a_worst():
    report = sluice_json("bench", "--realtime", "--quick", "--hidden", "8", "--cells", "gru,rnn")
    assert [(r["work"], r["cell"], r["streams"]) for r in report["results"]] == [
        (work, cell, streams) for cell in ("gru", "rnn") for work, streams in (("text", 1), ("numbers", 1), ("batch", 16))]
    for r in report["results"]:
        assert r["steps"] == 10000 and r["hidden"] == 8
        assert 0 < r["median_seconds"] <= r["p999_seconds"] <= r["worst_seconds"] < 10
    assert 0 < report["clock_seconds"] < 1e-4
    out, _ = sluice("bench", "--realtime", "--quick", "--hidden", "8", "--cells", "gru")
    assert "batch, gru" in out and "99.9 %" in out and "worst" in out
    refused("bench", "--realtime", "--work", "step", code=2, names=["--work", "--realtime", "step"])
