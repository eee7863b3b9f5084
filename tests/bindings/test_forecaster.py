"""Forecasts and detection of tables over time: the forms of tables, the bits of the command, states, files."""

import csv
import datetime
import json
import os
import pickle
import signal
import subprocess
import threading
import time
import warnings

import numpy as np
import pytest

import sluice
from sluice import AnomalyDetector, Forecaster
from sluice._tables import Frame

QUICK = {"hidden": 8, "epochs": 2, "random_state": 0, "threads": 1}
ROWS, LOOKBACK = 600, 48


def hours(first="2026-01-01", rows=ROWS):
    return (np.datetime64(first, "h") + np.arange(rows)).astype("datetime64[us]")


def columns(rows=ROWS, seed=0):
    """Numbers of three decimals, which text holds exactly."""
    rng = np.random.default_rng(seed)
    t = np.arange(rows)
    return {"load": np.round(50 + 10 * np.sin(t * np.pi / 12) + rng.normal(0, 1, rows), 3),
            "wind": np.round(rng.normal(size=rows).cumsum(), 3), "open": (t % 24 > 7).astype(float)}


def table(rows=ROWS):
    return {"date": hours(rows=rows), **columns(rows)}


def write_csv(path, rows=ROWS, first=0):
    made = table(rows)
    with open(path, "w") as file:
        writer = csv.writer(file)
        writer.writerow(made)
        for row in list(zip(*made.values()))[first:]:
            writer.writerow([str(row[0].astype("datetime64[s]")).replace("T", " "), *map(float, row[1:])])
    return path


def fit(X=None, **options):
    given = {"target": ["load", "wind"], "horizon": 3, "lookback": LOOKBACK, **QUICK, **options}
    return Forecaster(**given).fit(table() if X is None else X)


def same(a, b):
    assert list(a) == list(b)
    for name in list(a)[1:]:
        assert np.array_equal(np.asarray(a[name]), np.asarray(b[name])), name


@pytest.fixture(scope="module")
def fitted():
    return fit()


def test_the_command_and_python_train_the_same_bits(command, tmp_path):
    """On a table in memory, in a file, and of several columns; and each reads the other's file."""
    path = write_csv(tmp_path / "load.csv")
    for task, make, options in (
            ("forecast", Forecaster, {"target": ["load", "wind"], "horizon": 3, "lookback": LOOKBACK, "future": "open"}),
            ("detect", AnomalyDetector, {"target": "load", "lookback": LOOKBACK})):
        flags = [f"--{name}={','.join(value) if isinstance(value, list) else value}" for name, value in options.items()]
        by_command = tmp_path / f"{task}.safetensors"
        subprocess.run([command, "train", path, "-o", by_command, "--task", task, *flags, "--hidden=8", "--epochs=2",
                        "--seed=4", "-q"], check=True, capture_output=True)
        expected = sluice.load(by_command)
        note = json.loads(expected.notes["forecast"])
        estimator = make(**options, **{**QUICK, "random_state": 4})
        for X in (table(), path):
            found = estimator.fit(X).model_
            assert {**json.loads(found.notes["forecast"]), "time": ""} == note
            for name, values in expected.state_dict().items():
                assert values.tobytes() == found.state_dict()[name].tobytes(), name
            trained = json.loads(found.notes["trained"])
            assert trained["task"] == task and trained["options"]["seed"] == 4
        assert make.load(by_command).forecast_ == note


def test_the_command_predicts_the_same_from_the_same_file(command, tmp_path, fitted):
    fitted.save(tmp_path / "m.safetensors")
    path = write_csv(tmp_path / "load.csv")
    said = subprocess.run([command, "predict", tmp_path / "m.safetensors", path, "--json", "--state-out", tmp_path / "state"],
                          check=True, capture_output=True, text=True).stdout.splitlines()
    predicted, state = fitted.predict(table(), return_state=True)
    for i, row in enumerate(map(json.loads, said)):
        assert row["target"] == predicted["target"][i]
        assert np.datetime64(row["time"]) == predicted["date"][i]
        assert list(row["quantiles"].values()) == [predicted[f"q{q}"][i] for q in (0.1, 0.5, 0.9)]
    assert len(said) == 6
    # A state of either goes on in the other.
    head = {name: values[-1:] for name, values in table(ROWS + 1).items()}
    same(fitted.predict(head, state=(tmp_path / "state").read_bytes()), fitted.predict(head, state=state))
    with pytest.raises(sluice.Error, match="exists already"):
        fitted.save(tmp_path / "m.safetensors")
    again = Forecaster.load(tmp_path / "m.safetensors")
    same(again.predict(table()), predicted)
    assert again.get_params()["target"] == ["load", "wind"] and again.horizon == 3
    refitted = again.set_params(hidden=8, epochs=2, random_state=0, threads=1).fit(table())
    assert refitted.model_.state_dict()["head.bias"].tobytes() == fitted.model_.state_dict()["head.bias"].tobytes()
    with pytest.raises(ValueError, match="detects"):
        AnomalyDetector.load(tmp_path / "m.safetensors")


def test_every_form_of_a_table_gives_the_same_bits_and_gets_its_own_form_back(tmp_path, fitted):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    made = table()
    expected = fitted.predict(made)
    assert list(expected) == ["date", "target", "q0.1", "q0.5", "q0.9"]
    assert expected["target"].tolist() == ["load", "wind"] * 3
    assert expected["date"][0] == np.datetime64("2026-01-26T00") and expected["date"][-1] == np.datetime64("2026-01-26T02")
    frame = pandas.DataFrame(made)
    forms = {
        "indexed": frame.set_index("date"), "with a column": frame, "of polars": polars.DataFrame(made),
        "nanoseconds": frame.assign(date=frame["date"].astype("datetime64[ns]")),
        "another order": frame[["wind", "open", "load", "date"]], "texts": frame.assign(date=frame["date"].astype(str)),
        "structured": frame.to_records(index=False), "of lists": {name: values.tolist() for name, values in made.items()},
        "objects": {**made, "load": made["load"].astype(object)}, "a path": str(write_csv(tmp_path / "load.csv")),
        "an unnamed index": frame.set_index("date").rename_axis(None),
    }
    others = ("structured", "of lists", "objects", "a path")
    for name, form in forms.items():
        own = fit(form)
        assert own.model_.state_dict()["head.bias"].tobytes() == fitted.model_.state_dict()["head.bias"].tobytes(), name
        predicted = own.predict(form)
        assert type(predicted) is (dict if name in others else type(form)), name
        for column in ("target", "q0.1", "q0.5", "q0.9"):
            assert np.array_equal(np.asarray(predicted[column]), expected[column]), (name, column)
    indexed = fitted.predict(forms["indexed"])
    assert indexed.index.name == "date" and indexed.index[0] == pandas.Timestamp("2026-01-26")
    assert fitted.predict(forms["nanoseconds"])["date"].dtype == "datetime64[ns]"
    assert fitted.predict(forms["texts"])["date"].iloc[0] == "2026-01-26 00:00:00"
    assert fitted.predict(forms["of polars"]).schema["date"] == forms["of polars"].schema["date"]


def test_times_with_a_zone_periods_and_days(fitted):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    frame = pandas.DataFrame(table()).set_index("date")
    berlin = frame.tz_localize("UTC").tz_convert("Europe/Berlin")
    predicted = fitted.predict(berlin)
    assert str(predicted.index.tz) == "Europe/Berlin" and predicted.index[0] == pandas.Timestamp("2026-01-26", tz="UTC")
    zoned = polars.DataFrame(table()).with_columns(
        polars.col("date").dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin"))
    assert fitted.predict(zoned)["date"].dtype.time_zone == "Europe/Berlin"
    assert fitted.predict(zoned)["date"][0] == predicted.index[0]
    periods = fitted.predict(frame.to_period("h"))
    assert periods.index[0] == pandas.Period("2026-01-26 00", "h")
    days = frame.set_axis(pandas.date_range("2020-01-01", periods=ROWS, name="date"))
    assert fit(days).predict(days).index[0] == pandas.Timestamp("2020-01-01") + pandas.Timedelta(days=ROWS)
    dates = {**table(), "date": [datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(ROWS)]}
    assert fit(dates).predict(dates)["date"][0] == np.datetime64("2020-01-01") + ROWS
    with pytest.raises(ValueError, match="1 hour"):
        fitted.predict(days)


def test_arrays_count_their_rows():
    one = columns()["load"]
    both = np.stack([one, columns()["wind"]], axis=1)
    alone = Forecaster(horizon=3, lookback=LOOKBACK, **QUICK).fit(one)
    predicted = alone.predict(one)
    assert predicted["time"].tolist() == [600, 601, 602] and set(predicted["target"]) == {"x0"}
    same(alone.predict(one.tolist()), predicted)
    same(alone.predict(one[:, None].astype(np.float32).astype(np.float64)), alone.predict(one.astype(np.float32)))
    chosen = Forecaster(0, horizon=3, lookback=LOOKBACK, past=1, **QUICK).fit(both)
    assert chosen.targets_ == ["x0"] and chosen.n_features_in_ == 2
    with pytest.raises(ValueError, match="expecting 2 features"):
        chosen.predict(one)
    ahead = Forecaster(0, horizon=3, lookback=LOOKBACK, future=1, **QUICK).fit(both)
    known = np.full((3, 2), 1.0)
    assert ahead.predict(both, future=known)["q0.5"].shape == (3,)
    assert not np.array_equal(ahead.predict(both, future=known)["q0.5"], ahead.predict(both, future=known + 3)["q0.5"])
    with pytest.raises(ValueError, match="future"):
        ahead.predict(both)
    with pytest.warns(UserWarning, match="future"):
        chosen.predict(both, future=known)


def test_what_is_known_in_advance_counts(fitted):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table()).set_index("date")
    forecaster = fit(frame, future="open", target="load")
    calendar = pandas.DataFrame({"open": [0.0, 0.0, 1.0]}, index=hours("2026-01-26", 3))
    # As in the issue: the last rows alone are enough.
    predicted = forecaster.predict(frame.tail(forecaster.lookback_), future=calendar)
    assert predicted.equals(forecaster.predict(frame, future=calendar))
    assert not predicted.equals(forecaster.predict(frame, future=1 - calendar))
    with pytest.raises(ValueError, match="none for 2026-01-26 02"):
        forecaster.predict(frame, future=calendar.iloc[:2])
    with pytest.raises(ValueError, match="expected 24 rows or more before a forecast, found 5"):
        forecaster.predict(frame.tail(5), future=calendar)
    with pytest.raises(ValueError, match="future: expected a table of open for the times to come, found none"):
        forecaster.predict(frame)
    with pytest.warns(UserWarning, match="future: nothing of it is read"):
        assert fitted.predict(frame, future=calendar).equals(fitted.predict(frame))


def test_fewer_rows_than_the_lookback_will_do():
    X = table()
    frame = {name: values[-30:] for name, values in X.items()}
    forecaster = fit(X, target="load", epochs=20)
    with pytest.warns(UserWarning, match="X: has 24 rows to look at, where training looked at 48"):
        short = forecaster.predict(frame)
    # What lies before the last whole season is not looked at.
    with pytest.warns(UserWarning):
        same(forecaster.predict({name: values[-24:] for name, values in X.items()}), short)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = forecaster.predict(X)
        same(forecaster.predict({name: values[-48:] for name, values in X.items()}), whole)
    assert np.abs(short["q0.5"] - whole["q0.5"]).max() < 3  # of a wave of 10 with a noise of 1
    # Each series looks at what it has.
    shops = {name: np.concatenate([values, values[-30:], values]) for name, values in X.items()}
    shops["shop"] = np.repeat(["a", "b", "c"], [ROWS, 30, ROWS])
    many = fit({name: values[ROWS + 30:] for name, values in shops.items()}, target="load", id="shop")
    with pytest.warns(UserWarning, match="24 rows"):
        found = many.predict(shops)["q0.5"].reshape(3, 3)
    assert np.array_equal(found[0], found[2]) and not np.array_equal(found[0], found[1])


def test_series_that_are_told_apart():
    pandas = pytest.importorskip("pandas")
    parts = [{**table(300), "load": columns(300, seed)["load"], "shop": np.full(300, 10 * seed)} for seed in (1, 2)]
    both = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    kinds = np.repeat(["town", "village"], 300)
    forecaster = Forecaster("load", id="shop", static="kind", horizon=2, lookback=24, **QUICK)
    predicted = forecaster.fit({**both, "kind": kinds}).predict({**both, "kind": kinds})
    assert predicted["shop"].tolist() == [10, 10, 20, 20]
    frame = pandas.DataFrame({**both, "kind": pandas.Categorical(kinds)})
    same(forecaster.predict(frame), predicted)
    assert forecaster.evaluate(frame).forecasts > 0


def test_evaluation_and_score(command, tmp_path, fitted):
    evaluation = fitted.evaluate(table())
    fitted.save(tmp_path / "m.safetensors")
    path = write_csv(tmp_path / "load.csv")
    said = json.loads(subprocess.run([command, "eval", tmp_path / "m.safetensors", path, "--json"], check=True,
                                     capture_output=True, text=True).stdout)
    assert evaluation.mean_squared_error == said["mean_squared_error"]
    assert evaluation.root_mean_squared_error == said["root_mean_squared_error"]
    assert evaluation.coverage == said["coverage"] and evaluation.forecasts == said["forecasts"]
    assert list(evaluation.baselines) == ["last_value", "seasonal_last_value", "ridge"]
    assert evaluation.baselines["ridge"].mean_squared_error_by_step == (
        said["baselines"]["ridge"]["mean_squared_error_by_step"])
    assert evaluation.loses_to == said["loses_to"]
    assert fitted.score(table()) == -evaluation.mean_squared_error
    late = {name: values[470:] for name, values in table().items()}
    assert "ridge" not in fitted.evaluate(late).baselines
    assert "ridge" in fitted.evaluate(late, training=table()).baselines
    assert fit(epochs=30).score(table()) > fitted.score(table())
    with pytest.raises(ValueError, match="behind 2026-01-2"):
        fitted.evaluate(table(300))


def test_a_state_goes_on_with_the_same_bits(fitted):
    made = table()
    expected = fitted.predict(made)
    first = {name: values[:590] for name, values in made.items()}
    rest = {name: values[590:] for name, values in made.items()}
    _, state = fitted.predict(first, return_state=True)
    found, later = fitted.predict(rest, state=state, return_state=True)
    same(found, expected)
    assert isinstance(state, str) and later != state
    for wrong in ("", b"\xff", 3, "a,b\n1,2\n"):
        with pytest.raises(sluice.Error):
            fitted.predict(rest, state=wrong)
    with pytest.raises(sluice.Error, match="a state of this model"):
        fit(random_state=1).predict(rest, state=state)


def test_numbers_that_are_missing():
    made = table()
    made["load"][[100, 400]] = np.nan
    with pytest.raises(ValueError, match=r"column 'load': expected a number in every row .*found NaN in row 100"):
        fit(made)
    made["load"] = [None if value != value else value for value in made["load"]]
    for how in ("fill", "mask"):
        filled = fit(made, missing=how)
        assert np.isfinite(filled.predict(made)["q0.5"]).all()
    gap = {name: np.delete(np.asarray(values, dtype=None if name == "date" else float), 50)
           for name, values in made.items()}
    filled = fit(gap, missing="fill")
    assert filled.forecast_["missing"] == "fill"
    few = {name: np.delete(np.asarray(values)[-LOOKBACK:], 3) for name, values in table().items()}
    assert len(few["load"]) < LOOKBACK and np.isfinite(filled.predict(few)["q0.5"]).all()
    with pytest.raises(ValueError, match="every time from the first to the last .or missing=mask or fill., found 1 missing"):
        fit({name: np.delete(np.asarray(values), 50) for name, values in table().items()})
    with pytest.raises(ValueError, match="found inf in row 7"):
        fit({**made, "load": np.where(np.arange(ROWS) == 7, np.inf, 1.0)}, missing="fill")


def test_a_detector_finds_what_is_unusual_and_where(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table()).set_index("date")[["load", "wind"]]
    detector = AnomalyDetector(lookback=LOOKBACK, **{**QUICK, "epochs": 20}).fit(frame)
    odd = frame.copy()
    odd.iloc[560:, 1] += 40
    found = detector.detect(odd)
    assert found.index.equals(odd.index) and list(found) == ["score", "column", "score load", "score wind"]
    assert found["score"].idxmax() == odd.index[560] and found["column"].iloc[560] == "wind"
    assert found["score"].iloc[:LOOKBACK].isna().all() and found["column"].iloc[:LOOKBACK].isna().all()
    assert found["score"].iloc[560] == found["score wind"].iloc[560] > 5
    scores = detector.score_samples(odd)
    assert scores.shape == (ROWS,) and scores.argmin() == 560 and (scores[:LOOKBACK] == 0).all()
    assert np.array_equal(scores[LOOKBACK:], -found["score"].to_numpy()[LOOKBACK:])
    assert np.array_equal(detector.decision_function(odd), scores + 5) and detector.offset_ == -5
    predicted = detector.predict(odd)
    assert predicted[560] == -1 and predicted[:LOOKBACK].tolist() == [1] * LOOKBACK
    assert (AnomalyDetector.from_model(detector.model_).set_params(threshold=1e9).predict(odd) == 1).all()
    # Row by row with a state: the same scores.
    _, state = detector.detect(odd.iloc[:559], return_state=True)
    assert np.array_equal(detector.detect(odd.iloc[559:], state=state)["score"], found["score"].iloc[559:])
    detector.save(tmp_path / "d.safetensors")
    assert AnomalyDetector.load(tmp_path / "d.safetensors").detect(odd).equals(found)
    assert np.array_equal(detector.fit_predict(frame), detector.predict(frame))
    of_file = detector.detect(str(write_csv(tmp_path / "load.csv")))
    assert of_file["date"][0] == "2026-01-01 00:00:00"
    assert np.array_equal(of_file["score"], detector.detect(frame)["score"], equal_nan=True)


def test_parameters_pickles_and_random_states(fitted):
    same(pickle.loads(pickle.dumps(fitted)).predict(table()), fitted.predict(table()))
    assert fitted.get_params()["horizon"] == 3 and fitted.quantiles_ == [0.1, 0.5, 0.9]
    same(fit(threads=2).predict(table()), fitted.predict(table()))
    assert not np.array_equal(fit(random_state=1).predict(table())["q0.5"], fitted.predict(table())["q0.5"])
    same(fit(random_state=np.random.RandomState(3)).predict(table()), fit(random_state=np.random.RandomState(3)).predict(table()))
    with pytest.raises(ValueError, match="not fitted"):
        Forecaster().predict(table())
    for quantiles in ((0.25, 0.75), np.array([0.25, 0.75], np.float32)):
        assert list(fit(quantiles=quantiles).predict(table()))[2:] == ["q0.25", "q0.75"]
    same(fit(options={"seed": 3, "threads": 2}).predict(table()), fit(random_state=3).predict(table()))
    other = fit(cell="lstm", layers=2, options={"optimizer": "sgd", "learning_rate": 0.01})
    assert other.model_.cell == "lstm" and other.result_["epochs"] == 2


@pytest.mark.parametrize("options, error", [
    ({"horizon": -1}, ValueError), ({"horizon": 1.5}, ValueError), ({"horizon": 10**6}, ValueError),
    ({"lookback": "x"}, ValueError), ({"quantiles": (0.9, 0.1)}, ValueError), ({"quantiles": ()}, ValueError),
    ({"quantiles": "a"}, ValueError), ({"target": "none"}, ValueError), ({"target": 1.5}, ValueError),
    ({"target": "date"}, ValueError), ({"past": "load"}, ValueError), ({"time": "wind", "missing": "fill"}, ValueError),
    ({"id": "none"}, ValueError), ({"missing": "guess"}, ValueError), ({"test_split": 1}, ValueError),
    ({"test_split": 0.99}, ValueError), ({"validation_split": 2.0}, ValueError), ({"cell": "grue"}, ValueError),
    ({"hidden": 0}, ValueError), ({"epochs": 0}, ValueError), ({"options": {"hiden": 3}}, TypeError),
    ({"options": {"resume": 3}}, ValueError), ({"random_state": "x"}, ValueError), ({"threads": -1}, ValueError),
])
def test_wrong_parameters_are_refused_in_fit(options, error):
    with pytest.raises(error):
        fit(**options)


@pytest.mark.parametrize("wrong", [
    None, 3, "", "/nowhere.csv", [], {}, {"load": []}, {"load": [1.0, 2.0], "wind": [1.0]}, {"load": [[1.0]]},
    {"load": ["a"] * 600, "wind": ["b"] * 600}, np.zeros((2, 2, 2)), np.zeros(600, complex), {"load": object()},
    {"load": [object()] * 9, "wind": [1.0] * 9}, b"bytes", {**table(), "date": hours()[::-1]},
    {**table(), "date": np.full(ROWS, np.datetime64("NaT", "h"))}, {**table(), "date": np.zeros(ROWS, "M8[h]")},
    {**table(), "date": hours("9999-12-30")}, {**table(), "date": hours().astype("M8[ns]") + np.timedelta64(1, "ns")},
])
def test_what_is_no_table_is_refused(wrong, fitted):
    for use in (Forecaster(horizon=3, **QUICK).fit, fitted.predict):
        with pytest.raises((sluice.Error, TypeError)):
            use(wrong)


def test_names_with_dashes_stay_as_they_are(tmp_path):
    """Of files and of columns, in messages."""
    with pytest.raises(sluice.FileError, match="no--such.csv: expected a text file"):
        fit(str(tmp_path / "no--such.csv"))
    with pytest.raises(sluice.UsageError, match='a column "c--d", found the columns a--b'):
        fit({"a--b": columns()["load"]}, target="c--d")


def test_a_table_in_memory_is_read_as_its_file(tmp_path):
    """Names and texts with quotes, separators and lines of their own; the shortest and the longest numbers."""
    rng = np.random.default_rng(0)
    odd = {'a "b", c;\td': rng.normal(size=60) * 10.0 ** rng.integers(-30, 30, 60), "sep=;": np.arange(60.0),
           "ünï": rng.normal(size=60).astype(np.float32)}
    kinds = np.array(["x,y", 'say "no"', "two\nlines"] * 20)
    forecaster = Forecaster(horizon=1, lookback=5, static="kind", **QUICK).fit({**odd, "kind": kinds})
    assert forecaster.targets_ == list(odd) and forecaster.forecast_["categories"] == [["x,y", 'say "no"', "two\nlines"]]
    assert forecaster.forecast_["mean"][1] == np.mean(np.arange(42.0))  # of the part that is trained on
    alone = Forecaster(horizon=1, lookback=5, missing="fill", **QUICK).fit(
        {"only": np.where(np.arange(60) % 7 == 3, np.nan, np.arange(60.0))})
    assert alone.predict({"only": np.arange(60.0)})["time"].tolist() == [60]
    with pytest.raises(ValueError, match="twice"):
        Frame({"x0": [1.0], 0: [2.0]})


def test_ctrl_c_stops_fit_and_predict(fitted):
    def interrupt():
        time.sleep(0.3)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    many = {name: np.tile(values, 400) for name, values in columns().items()}
    for work in (lambda: fit(columns(), epochs=10**6), lambda: Forecaster(lookback=960, horizon=96, **QUICK).fit(many)):
        sent = []
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            work()
        assert time.monotonic() - sent[0] < 0.5
        thread.join()


def test_other_threads_run_meanwhile():
    ticks, done = [], threading.Event()

    def count():
        while not done.wait(0.001):
            ticks.append(1)

    thread = threading.Thread(target=count)
    thread.start()
    before = len(ticks)
    fit(epochs=60)
    meanwhile = len(ticks) - before
    done.set()
    thread.join()
    assert meanwhile > 20
