"""Forecasts of tables: what train finds by the file, what eval sets beside the model, what predict writes, and the tables
that are read or refused."""

import gzip
import json
import math
import os
import random
import subprocess
import time

import pytest

from conftest import refused, sluice, sluice_json, start

QUICK = ["--hidden=8", "--epochs=3", "--threads=1", "-q"]


def day(t):
    return f"2024-01-{1 + t // 24:02} {t % 24:02}:00:00"


def values(count, seed=1):
    """A day that repeats itself, with noise."""
    draw = random.Random(seed)
    return [10 + 5 * math.sin(2 * math.pi * t / 24) + draw.gauss(0, 0.3) for t in range(count)]


def table(path, count=480, seed=1, separator=",", point=".", quote="", head=None, index=False, first=0):
    rows = [separator.join((['""'] if index else []) + [f"{quote}{name}{quote}" for name in head or ("date", "load")])]
    for t, x in enumerate(values(first + count, seed)[first:]):
        cells = [f"{quote}{day(first + t)}{quote}", f"{x:.4f}".replace(".", point)]
        rows.append(separator.join(([str(t)] if index else []) + cells))
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast")
    file, path = table(folder / "load.csv"), folder / "m.safetensors"
    _, said = sluice("train", file, "-o", path, "--horizon=24", "--lookback=72", "--hidden=16", "--epochs=30")
    assert "task forecast" in said and "1 hour a row; 24 steps ahead from 72 (season 24)" in said
    return path, file


def test_it_beats_what_needs_no_network_and_says_what_it_is_measured_on(model):
    path, file = model
    found = sluice_json("eval", path, file)
    assert found["task"] == "forecast" and found["forecasts"] == 96 - 24 + 1
    assert found["first"] == day(384) and found["last"] == day(479)
    assert set(found["baselines"]) == {"last_value", "seasonal_last_value", "ridge"}
    for name in ("last_value", "seasonal_last_value"):
        assert found["mean_squared_error"] < found["baselines"][name]["mean_squared_error"], name
    steps = found["mean_squared_error_by_step"]
    assert len(steps) == 24 and math.isclose(sum(steps) / 24, found["mean_squared_error"], rel_tol=1e-9)
    assert 0.5 < found["coverage"] <= 1
    page, _ = sluice("eval", path, file)
    assert "73 forecasts of load" in page and f"{found['mean_squared_error']:.4f}" in page


def test_a_model_that_loses_says_to_what(tmp_path):
    file = table(tmp_path / "load.csv")
    path = tmp_path / "m.safetensors"
    sluice("train", file, "-o", path, "--horizon=24", "--lookback=72", *QUICK, "--learning-rate=1e-9")
    page, _ = sluice("eval", path, file)
    assert "the model loses to:" in page and "ridge" in page
    assert "ridge" in sluice_json("eval", path, file)["loses_to"]


def test_predict_goes_on_where_the_table_ends(model):
    path, file = model
    out, _ = sluice("predict", path, file)
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["time", "target", "q0.1", "q0.5", "q0.9"] and len(lines) == 25
    truth = [10 + 5 * math.sin(2 * math.pi * t / 24) for t in range(480, 504)]
    for k, (time, target, low, middle, high) in enumerate(lines[1:]):
        assert time == day(480 + k) and target == "load" and float(low) <= float(middle) <= float(high)
        assert abs(float(middle) - truth[k]) < 2
    first = json.loads(sluice("predict", path, file, "--json")[0].splitlines()[0])
    assert first["time"] == day(480) and abs(first["quantiles"]["0.5"] - float(lines[1][3])) < 1e-4


def test_nothing_behind_the_cut_and_nothing_before_the_lookback_counts(model, tmp_path):
    path, file = model
    lines = file.read_text().splitlines()
    whole, _ = sluice("predict", path, "-", input="\n".join(lines[:301]).encode())
    tail, _ = sluice("predict", path, "-", input="\n".join([lines[0], *lines[229:301]]).encode())
    assert whole == tail
    last = lines[300].split(",")[0] + ",99"
    assert sluice("predict", path, "-", input="\n".join([*lines[:300], last]).encode())[0] != whole
    # Training and its choices end before the last fifth.
    changed = tmp_path / "changed.csv"
    changed.write_text("\n".join([*lines[:385], *(line.split(",")[0] + ",7e5" for line in lines[385:])]) + "\n")
    options = ["--horizon=24", "--lookback=72", *QUICK]
    sluice("train", file, "-o", tmp_path / "a", *options)
    sluice("train", changed, "-o", tmp_path / "b", *options)
    assert sluice("predict", tmp_path / "a", file) == sluice("predict", tmp_path / "b", file)


def test_tables_of_other_tools_read_alike(model, tmp_path):
    path, file = model
    expected, _ = sluice("predict", path, file)
    bytes_of = file.read_text()
    forms = {
        "semicolon.csv": table(tmp_path / "semicolon.csv", separator=";", point=",").read_text(),  # a German export
        "tab.tsv": bytes_of.replace(",", "\t"),
        "quoted.csv": table(tmp_path / "quoted.csv", quote='"').read_text(),
        "pandas.csv": table(tmp_path / "pandas.csv", index=True).read_text().replace('""', ""),  # to_csv with its index
        "bom.csv": "\ufeff" + bytes_of.replace("\n", "\r\n"),  # a spreadsheet's
        "sep.csv": "sep=;\n" + bytes_of.replace(",", ";"),
        "r.csv": '"date","load"\n' + "".join(  # write.csv with row names
            f'"{k}","{line.split(",")[0]}",{line.split(",")[1]}\n' for k, line in enumerate(bytes_of.splitlines()[1:], 1)),
        "wider.csv": "".join(line + (",more\n" if k == 0 else ",x\n") for k, line in enumerate(bytes_of.splitlines())),
    }
    for name, text in forms.items():
        other = tmp_path / name
        other.write_text(text, encoding="utf-8", newline="")
        assert sluice("predict", path, other)[0] == expected, name
    zipped = tmp_path / "load.csv.gz"
    zipped.write_bytes(gzip.compress(file.read_bytes()))
    assert sluice("predict", path, zipped)[0] == expected
    assert sluice("predict", path, file, env={"LC_ALL": "de_DE.UTF-8"})[0] == expected


def test_a_table_of_a_spreadsheet_is_found_to_be_one(tmp_path):
    """Semicolons between cells, a comma for the point; without any flag."""
    file = table(tmp_path / "semicolon.csv", separator=";", point=",")
    _, said = sluice("train", file, "-o", tmp_path / "m", *QUICK[:-1])
    assert "task forecast" in said and "semicolon" in said and "1 hour a row" in said


def changed(text, line, to):
    lines = text.splitlines()
    lines[line - 1] = to
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("name", "make", "words"), [
    ("missing", lambda t: changed(t, 9, day(7) + ","), ["line 9", '"load"', "missing=mask"]),
    ("word", lambda t: changed(t, 9, day(7) + ",high"), ["line 9", '"load"', '"high"']),
    ("twice", lambda t: changed(t, 9, day(6) + ",1"), ["line 9", "again", "line 8"]),
    ("unsorted", lambda t: changed(t, 9, day(2) + ",1"), ["line 9", "in the order of time"]),
    ("gap", lambda t: t.replace(day(30) + ",", "#").split("#")[0] + t[t.index(day(31)):], ["1 missing", day(29)]),
    ("uneven", lambda t: changed(t, 9, "2024-01-01 07:20:00,1"), ["at equal distances"]),
    ("no-time", lambda t: changed(t, 9, "soon,1"), ["line 9", '"date"', '"soon"']),
    ("cells", lambda t: changed(t, 9, day(7) + ",1,2"), ["line 9", "2 cells", "3"]),
    ("hexadecimal", lambda t: changed(t, 9, day(7) + ",0x1p3"), ["line 9", "0x1p3"]),
    ("infinite", lambda t: changed(t, 9, day(7) + ",inf"), ["line 9", "inf"]),
    ("quotes", lambda t: changed(t, 9, day(7) + ',"1'), ["line 9", "quotes that are closed"]),
    ("no-header", lambda t: t[t.index("\n") + 1:], ["a header"]),
    ("empty", lambda t: "", ["a header", "an empty file"]),
    ("header-alone", lambda t: t[:t.index("\n") + 1], ["rows under the header"]),
    ("utf-16", lambda t: t.encode("utf-16").decode("latin-1"), ["UTF-16"]),
])
def test_a_bad_table_is_refused_in_one_sentence(name, make, words, model, tmp_path):
    path, file = model
    bad = tmp_path / f"{name}.csv"
    text = make(file.read_text())
    bad.write_bytes(text.encode("latin-1" if name == "utf-16" else "utf-8"))
    for asked in ("--task=forecast", "--horizon=3"):
        refused("train", bad, "-o", tmp_path / "m", asked, *QUICK, code=3, names=[bad.name, *words])
    assert not (tmp_path / "m").exists()
    refused("predict", path, bad, code=3, names=[bad.name])


def test_numbers_of_every_size_are_handled(tmp_path):
    draw = random.Random(3)
    for name, make in {
            "large": lambda t: f"{1e12 + 1e9 * math.sin(t / 3):.1f}",
            "small": lambda t: f"{1e-9 * math.sin(t / 3):.4e}",
            "constant": lambda t: "7",
            "offset": lambda t: f"{1e9 + draw.random():.6f}",
    }.items():
        file = tmp_path / f"{name}.csv"
        file.write_text("t,x\n" + "".join(f"{t},{make(t)}\n" for t in range(200)))
        path = tmp_path / f"{name}.safetensors"
        sluice("train", file, "-o", path, "--time=t", "--horizon=4", "--lookback=12", *QUICK)
        rows = [line.split("\t") for line in sluice("predict", path, file)[0].splitlines()[1:]]
        assert [row[0] for row in rows] == ["200", "201", "202", "203"], name
        known = [float(line.split(",")[1]) for line in file.read_text().splitlines()[1:]]
        spread = max(known) - min(known)
        assert all(min(known) - spread <= float(row[3]) <= max(known) + spread for row in rows) or name == "constant"
        if name == "constant":
            assert all(abs(float(row[3]) - 7) < 2 for row in rows)


def test_missing_numbers_are_masked_or_filled(model, tmp_path):
    _, file = model
    lines = file.read_text().splitlines()
    holes = [line if k % 7 else line.split(",")[0] + ",NA" for k, line in enumerate(lines)]
    holes[0] = lines[0]
    file = tmp_path / "holes.csv"
    file.write_text("\n".join(holes) + "\n")
    for missing in ("mask", "fill"):
        path = tmp_path / missing
        sluice("train", file, "-o", path, f"--missing={missing}", "--horizon=6", "--lookback=24", *QUICK)
        assert len(sluice("predict", path, file)[0].splitlines()) == 7
        assert sluice_json("eval", path, file)["forecasts"] > 0


def test_a_table_that_does_not_fit_is_refused(model, tmp_path):
    path, file = model
    text = file.read_text()
    other = tmp_path / "other.csv"
    other.write_text(text.replace("load", "wind"))
    refused("predict", path, other, code=3, names=["other.csv", '"load"', "wind"])
    other.write_text("date,load\n" + "".join(f"2024-01-{d:02},1\n" for d in range(1, 30)))
    refused("eval", path, other, code=3, names=["1 hour apart", "1 day"])
    refused("predict", path, table(other, 50), code=3, names=["72 rows or more", "50"])
    refused("eval", path, table(other, 390), code=3, names=["24 rows or more behind"])
    refused("predict", path, file, "--future", file, code=3, names=["the future"])
    refused("complete", path, "a", code=3, names=["complete"])
    for verb in ("gates", "explain"):
        refused(verb, path, "a", code=3, names=[verb, "classifies texts or tags words", "forecasts", "sluice predict"])


def test_flags_that_make_no_sense_are_refused(model, tmp_path, text):
    _, file = model
    target = ["-o", tmp_path / "m"]
    refused("train", file, *target, "--target=wind", code=3, names=['"wind"', "date, load"])
    refused("train", file, *target, "--quantiles=.9,.1", code=2, names=["--quantiles"])
    refused("train", file, *target, "--missing=skip", code=2, names=["refuse, mask or fill"])
    refused("train", file, *target, "--validation", file, "-q", code=2, names=["--validation"])
    refused("train", text, *target, "--horizon=3", code=3, names=[text.name, "a column of numbers"])
    refused("train", file, *target, "--horizon=3", "--task=language", code=2, names=["--task forecast", "language"])
    refused("train", file, *target, "--lookback=400", code=3, names=["rows or more to train on"])


def test_going_on_from_a_state_is_reading_the_whole(model, tmp_path):
    path, file = model
    lines = file.read_text().splitlines()
    first, rest = tmp_path / "first.csv", tmp_path / "rest.csv"
    first.write_text("\n".join(lines[:401]) + "\n")
    rest.write_text("\n".join([lines[0], *lines[401:]]) + "\n")
    state = tmp_path / "state.csv"
    sluice("predict", path, first, "--state-out", state)
    assert sluice("predict", path, rest, "--state-in", state)[0] == sluice("predict", path, file)[0]
    refused("predict", path, first, "--state-out", state, code=1, names=["state.csv"])
    refused("predict", path, first, "--state-in", state, code=3, names=["line 2", "as in training"])
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    refused("predict", path, rest, "--state-in", other, code=3, names=["state", "a, b"])
    refused("predict", path, rest, "--state-in", tmp_path / "none", code=3, names=["none"])


def test_a_state_names_its_model(model, tmp_path):
    path, file = model
    other = tmp_path / "other.safetensors"
    sluice("train", file, "-o", other, "--horizon=24", "--lookback=72", *QUICK)
    sluice("predict", path, file, "--state-out", tmp_path / "rows.csv")
    refused("predict", other, file, "--state-in", tmp_path / "rows.csv", code=3, names=["rows.csv", "of this model"])


def test_flags_and_files_that_would_not_be_looked_at_are_refused(model, tmp_path, text):
    path, file = model
    target = ["-o", tmp_path / "m"]
    refused("train", file, file, *target, "--horizon=3", code=2, names=["one table", "2"])
    for flag in ("--label=first", "--column=load", "--direction=both", "--at=mean"):
        refused("train", file, *target, flag, "-q", code=2, names=[flag.split("=")[0], "--task forecast"])
    refused("train", text, *target, "--at=mean", code=2, names=["--at", "--task classify", "language"])
    refused("predict", path, file, "--labelled", code=2, names=["--labelled", "forecast"])
    refused("eval", path, file, "--lines", code=2, names=["--lines", "forecast"])
    refused("eval", path, file, "--batch=2", code=2, names=["--batch", "forecast"])
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_bytes(file.read_bytes())
    refused("predict", path, folder, code=3, names=["one file", "a folder with 2"])
    refused("train", folder, *target, "--horizon=3", code=3, names=["one file", "a folder with 2"])
    (folder / "b.csv").unlink()
    assert sluice("predict", path, folder) == sluice("predict", path, file)
    head = tmp_path / "head.csv"
    head.write_text("date,load\n")
    refused("predict", path, head, code=3, names=["head.csv", "rows under the header"])
    # Names as people write them.
    sluice("train", file, *target, "--target", " load ", "--horizon=3", *QUICK)


def test_info_says_what_is_predicted_from_what(model):
    page, _ = sluice("info", model[0])
    assert "load, 24 ahead from 72 rows, 1 hour a row, season 24" in page
    assert "validated up to" in page and "3600000000" not in page
    note = sluice_json("info", model[0])["notes"]["forecast"]
    assert f"load: mean {note['mean'][0]}, deviation {note['deviation'][0]}" in page


def test_detect_scores_rows_as_they_come(tmp_path):
    file = table(tmp_path / "load.csv")
    path = tmp_path / "m.safetensors"
    out, said = sluice("train", file, "-o", path, "--task=detect", "--lookback=48", "--hidden=16", "--epochs=20")
    assert "1 steps ahead" in said
    lines = file.read_text().splitlines()
    lines[440] = lines[440].split(",")[0] + ",30"
    with start("predict", path, "-", stdin=subprocess.PIPE) as process:
        process.stdin.write(("\n".join(lines[:441]) + "\n").encode())
        process.stdin.flush()
        rows = [process.stdout.readline().decode().rstrip("\n").split("\t") for _ in range(441)]
        process.stdin.close()  # only now: every row was answered before the input ended
        assert process.stdout.read() == b"" and process.wait() == 0
    assert rows[0] == ["time", "score", "column", "load"] and rows[1][1:] == ["-", "-", "-"]
    scores = [float(row[1]) for row in rows[49:]]
    assert rows[440][0] == day(439) and scores[-1] == max(scores) > 10 and rows[440][2] == "load"
    assert sum(scores[:-1]) / len(scores) < 2.5
    # From a state, the scores are those of the whole.
    first, rest, state = tmp_path / "first.csv", tmp_path / "rest.csv", tmp_path / "state"
    first.write_text("\n".join(lines[:301]) + "\n")
    rest.write_text("\n".join([lines[0], *lines[301:441]]) + "\n")
    sluice("predict", path, first, "--state-out", state)
    given, _ = sluice("predict", path, rest, "--state-in", state)
    assert [line.split("\t") for line in given.splitlines()[1:]] == rows[301:]
    found = sluice_json("eval", path, file)
    assert found["task"] == "detect" and found["horizon"] == 1
    refused("train", file, "-o", tmp_path / "n", "--task=detect", "--horizon=2", "-q", code=2, names=["horizon"])


def test_a_detector_ends_within_its_time(tmp_path):
    """What scales its errors, a pass over 20,000 rows for each of two columns, is part of the limit."""
    file = tmp_path / "long.csv"
    draw = random.Random(1)
    file.write_text("t,x,y\n" + "".join(f"{t},{math.sin(t / 5) + draw.gauss(0, .1):.4f},{draw.random():.4f}\n"
                                        for t in range(100_000)))
    start_of_it = time.monotonic()
    sluice("train", file, "-o", tmp_path / "m", "--task=detect", "--time=t", "--lookback=400", "--season=1",
           "--hidden=256", "--max-seconds=2", "--threads=1", "-q")
    assert time.monotonic() - start_of_it < 3
    note = sluice_json("info", tmp_path / "m")["notes"]["forecast"]
    assert all(0 < error != 1 for error in note["errors"])


def test_rows_without_dates_are_counted_which_is_said(tmp_path):
    file = tmp_path / "plain.csv"
    file.write_text("day,x\n" + "".join(f"{d}.1.2024,{d % 7}\n" for d in range(1, 100)))
    options = ["--horizon=3", "--lookback=7", "--force", *QUICK[:-1]]
    _, said = sluice("train", file, "-o", tmp_path / "m", *options)
    assert "rows are counted" in said and "--time" in said
    refused("train", file, "-o", tmp_path / "m", *options, "--time=day", code=3, names=["YYYY-MM-DD", "1.1.2024"])
    _, said = sluice("train", table(file), "-o", tmp_path / "m", *options)
    assert "rows are counted" not in said


def test_a_column_without_a_number_to_train_on_is_refused(tmp_path):
    file = tmp_path / "none.csv"
    for missing in ("mask", "fill"):
        file.write_text("date,load\n" + "".join(f"{day(t)},\n" for t in range(300)))
        refused("train", file, "-o", tmp_path / "m", f"--missing={missing}", "--horizon=3", "--lookback=24", *QUICK,
                code=3, names=["none.csv", "a number or more to predict"])


def test_a_million_rows_need_bounded_memory(tmp_path):
    file = tmp_path / "long.csv"
    with file.open("w") as out:
        out.write("t,x\n")
        out.writelines(f"{t},{t % 97}\n" for t in range(1_000_000))
    path = tmp_path / "m.safetensors"
    arguments = ["train", file, "-o", path, "--time=t", "--horizon=10", "--hidden=8", "--epochs=1", "-q"]
    process = start(*arguments)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.communicate()
    assert process.returncode == 0
    assert usage.ru_maxrss < 450 * 1024  # KB: 8 bytes a number and time, 8 for scaled ones, and 256 MB of windows at most
    assert len(sluice("predict", path, file)[0].splitlines()) == 11


def test_a_column_of_names_tells_series_apart(tmp_path):
    file = tmp_path / "shops.csv"
    rows = [f"2024-{1 + d // 28:02}-{1 + d % 28:02},{shop},{level * (1 + d % 7)}\n"
            for d in range(28) for shop, level in (("north", 1), ("south", 500))]
    file.write_text("day,shop,sold\n" + "".join(rows))
    path = tmp_path / "m"
    sluice("train", file, "-o", path, "--id=shop", "--static=shop", "--horizon=2", code=2)
    sluice("train", file, "-o", path, "--id=shop", "--horizon=2", "--lookback=7", *QUICK)
    lines = [line.split("\t") for line in sluice("predict", path, file)[0].splitlines()]
    assert lines[0][:3] == ["series", "time", "target"]
    assert [line[0] for line in lines[1:]] == ["north", "north", "south", "south"]
    assert lines[1][1] == "2024-01-29" and float(lines[3][4]) > 100 > float(lines[1][4])
