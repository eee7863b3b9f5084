"""Pictures of tasks: forecasts, their errors, confusion matrices, learning curves. The numbers in them are those that the
command prints, and the lines stand where the axes say."""

import json
import math
import random
import re
import xml.etree.ElementTree as xml

import pytest

from conftest import refused, sluice, sluice_json, TINY

SVG = "{http://www.w3.org/2000/svg}"


def words(root, kind=None):
    return ["".join(one.itertext()) for one in root.iter(SVG + "text") if kind in (None, one.get("class"))]


def series_of(root, name):
    """The numbers that each series of this name says: [{x: y}], and its bands: [{x: (low, high)}]."""
    numbers, bands = [], []
    for group in root.iter(SVG + "g"):
        if group.find(SVG + "title").text != name:
            continue
        values, band = {}, {}
        for line in (group.find(SVG + "desc").text or "").split("\n"):
            x, y, around = re.fullmatch(r"(.*): (\S+)(?: \((.*)\))?", line).groups()
            values[x] = float(y)
            if around:
                band[x] = tuple(map(float, around.split(" to ")))
        numbers.append(values)
        bands.append(band)
    return numbers, bands


def heights(root, name, chart=0):
    """What the line of a series is at each of its points, by the ticks beside it."""
    group = [one for one in root.iter(SVG + "g") if one.find(SVG + "title").text == name][chart]
    path = [one for one in group if one.get("class", "").startswith("line ")][0].get("d")
    points = [tuple(map(float, one.split())) for one in re.findall(r"[ML]([^ML]+)", path)]
    # Ticks of the chart: those whose heights are nearest above and below.
    ticks = [(float(one.get("y")) - 4.5, float(one.text)) for one in root.iter(SVG + "text")
             if one.get("class") == "tick" and re.fullmatch(r"-?[\d.e+-]+", one.text) and one.get("text-anchor") == "end"]
    charts = [[]]
    for y, value in ticks:
        if charts[-1] and y > charts[-1][-1][0]:
            charts.append([])
        charts[-1].append((y, value))
    (y0, v0), (y1, v1) = charts[chart][0], charts[chart][-1]
    return [v0 + (y - y0) / (y1 - y0) * (v1 - v0) for _, y in points]


def table(path, rows=240):
    draw = random.Random(1)
    path.write_text("date,load,a<b&c\n" + "".join(
        f"2024-01-{1 + t // 24:02} {t % 24:02}:00,{10 * math.sin(.2618 * t) + draw.random():.6f},{draw.random():.6f}\n"
        for t in range(rows)))
    return path


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forecast")
    path, training = folder / "m.safetensors", table(folder / "t.csv")
    curves = folder / "training.svg"
    sluice("train", training, "-o", path, "--horizon=6", "--lookback=48", "--hidden=8", "--epochs=3", "--svg", curves,
           "--log", folder / "log.jsonl")
    return path, training, folder


def test_a_forecast_is_drawn_as_it_is_printed(forecaster, tmp_path):
    path, training, _ = forecaster
    picture = tmp_path / "f.svg"
    out, _ = sluice("predict", path, training, "--svg", picture)
    rows = [line.split("\t") for line in out.splitlines()[1:]]
    root = xml.parse(picture).getroot()
    assert words(root, "chart-title") == ["load", "a<b&c"]
    numbers, bands = series_of(root, "forecast")
    assert len(numbers) == 2
    for target, values, band in zip(["load", "a<b&c"], numbers, bands):
        printed = {time: (float(low), float(middle), float(high)) for time, one, low, middle, high in rows if one == target}
        assert values.keys() == printed.keys()
        for time, (low, middle, high) in printed.items():
            assert values[time] == pytest.approx(middle, rel=1e-6)
            assert band[time] == pytest.approx((low, high), rel=1e-6)
    # The past is the table's, and ends where the forecast begins.
    past = series_of(root, "past")[0][0]
    of_table = {line.split(",")[0]: float(line.split(",")[1]) for line in training.read_text().splitlines()[1:]}
    assert list(past)[-1] == "2024-01-10 23:00" and len(past) == 48
    assert all(of_table[time] == pytest.approx(value, abs=1e-5) for time, value in past.items())
    for name, chart in (("past", 0), ("forecast", 0), ("forecast", 1)):
        drawn, wanted = heights(root, name, chart), list(series_of(root, name)[0][chart].values())
        room = max(wanted) - min(wanted) + 1
        assert len(drawn) == len(wanted) and all(abs(a - b) < .01 * room for a, b in zip(drawn, wanted))


def test_an_evaluation_is_drawn_beside_the_truth(forecaster, tmp_path):
    path, training, _ = forecaster
    picture = tmp_path / "e.svg"
    found = sluice_json("eval", path, training, "--svg", picture)
    root = xml.parse(picture).getroot()
    for name, key in (("last value", "last_value"), ("last season", "seasonal_last_value"), ("ridge", "ridge")):
        wanted = found["baselines"][key]["mean_squared_error_by_step"]
        assert list(series_of(root, name)[0][0].values()) == pytest.approx(wanted, rel=1e-6)
    assert list(series_of(root, "model")[0][0].values()) == pytest.approx(found["mean_squared_error_by_step"], rel=1e-6)
    assert list(series_of(root, "model")[0][0]) == [str(step) for step in range(1, 7)]
    truth, (forecast, _) = series_of(root, "truth")[0][0], series_of(root, "forecast")[0]
    of_table = {line.split(",")[0]: float(line.split(",")[1]) for line in training.read_text().splitlines()[1:]}
    assert set(forecast) < set(truth) and list(truth)[-1] == found["last"] == list(of_table)[-1]
    assert all(of_table[time] == pytest.approx(value, abs=1e-5) for time, value in truth.items())
    # The same forecast that predict makes where the table ends before it.
    short = tmp_path / "short.csv"
    short.write_text("".join(training.read_text().splitlines(True)[:-6]))
    rows = [line.split("\t") for line in sluice("predict", path, short)[0].splitlines()[1:]]
    assert [float(row[3]) for row in rows if row[1] == "load"] == pytest.approx(list(forecast.values()), rel=1e-6)


def test_learning_curves_are_those_of_the_log(forecaster):
    _, _, folder = forecaster
    root = xml.parse(folder / "training.svg").getroot()
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    losses = {}
    for one in log:
        if one["kind"] == "update":
            losses.setdefault(str(one["epoch"]), []).append(one["loss"])
    drawn = series_of(root, "training")[0][0]
    assert list(drawn) == ["1", "2", "3"]
    assert drawn == pytest.approx({epoch: sum(all) / len(all) for epoch, all in losses.items()}, rel=1e-6)
    validated = [one["validation_loss"] for one in log if one["kind"] == "validation"]
    assert not validated or list(series_of(root, "validation")[0][0].values()) == pytest.approx(validated, rel=1e-6)


def test_a_text_has_learning_curves_too(tmp_path, text):
    picture = tmp_path / "c.svg"
    arguments = ["train", text, "-o", tmp_path / "m.safetensors", *TINY, "--svg", picture]
    said = sluice(*arguments)[1]
    root = xml.parse(picture).getroot()
    validation = series_of(root, "validation")[0][0]
    printed = re.findall(r"epoch (\d)/2  train ([\d.]+), validation ([\d.]+)", said)
    assert len(printed) == 2 and list(validation) == [epoch for epoch, _, _ in printed]
    assert [f"{value:.4f}" for value in validation.values()] == [value for _, _, value in printed]
    assert "nats per token" in words(root, "tick")
    refused(*arguments, "--force", "--epochs=x", code=2, names=["--epochs"])
    (tmp_path / "m.safetensors").unlink()
    refused(*arguments, code=1, names=["c.svg"])


def test_confusions_are_counted(tmp_path):
    draw = random.Random(4)
    names = tmp_path / "names.tsv"
    names.write_text("".join(f"{kind}\t{''.join(draw.choice('bdg') for _ in range(3))}{draw.choice(ends)}\n"
                             for _ in range(100) for kind, ends in (("<one>", ["ov", "ini"]), ("two", ["ini"]))))
    path, picture = tmp_path / "m.safetensors", tmp_path / "c.svg"
    sluice("train", names, "-o", path, "--hidden=8", "--epochs=4", "-q")
    found = sluice_json("eval", path, names, "--svg", picture)
    rows = [line.split("\t") for line in sluice("predict", path, write_texts(tmp_path, names))[0].splitlines()[1:]]
    wanted = {}
    for line, row in zip(names.read_text().splitlines(), rows):
        wanted[line.split("\t")[0], row[0]] = wanted.get((line.split("\t")[0], row[0]), 0) + 1
    root = xml.parse(picture).getroot()
    # The files' names without their folders, in a picture that is wide enough for them.
    heading = next(text.text for text in root.iter(SVG + "text") if text.get("class") == "heading")
    assert heading == "m on names.tsv" and float(root.get("width")) >= 10 * len(heading)
    cells = {}
    for cell in root.iter(SVG + "rect"):
        if cell.get("class") != "cell":
            continue
        truth, predicted, count, sum_of_row = re.fullmatch(r"(.*) predicted as (.*): (\d+) of (\d+)",
                                                           cell.find(SVG + "title").text).groups()
        cells[truth, predicted] = int(count)
        assert float(cell.get("fill-opacity")) == pytest.approx(int(count) / int(sum_of_row), abs=6e-4)
        assert sum_of_row == "100"
    assert {key: count for key, count in cells.items() if count} == wanted and len(cells) == 4
    assert sorted(map(int, words(root, "count"))) == sorted(wanted.values())
    right = sum(count for (truth, predicted), count in cells.items() if truth == predicted)
    assert right / 200 == pytest.approx(found["accuracy"])


def write_texts(folder, labelled):
    path = folder / "texts.txt"
    path.write_text("".join(line.split("\t")[1] + "\n" for line in labelled.read_text().splitlines()))
    return path


def test_many_classes_become_few(tmp_path):
    draw = random.Random(5)
    names = tmp_path / "names.tsv"
    names.write_text("".join(f"class {kind}\t{draw.choice('abc')}\n" for kind in range(40) for _ in range(41 - kind)))
    path, picture = tmp_path / "m.safetensors", tmp_path / "c.svg"
    sluice("train", names, "-o", path, "--hidden=8", "--epochs=1", "-q")
    sluice("eval", path, names, "--svg", picture)
    cells = [cell for cell in xml.parse(picture).getroot().iter(SVG + "rect") if cell.get("class") == "cell"]
    assert len(cells) == 30 * 30
    counts = [re.fullmatch(r"(.*) predicted as (.*): (\d+) of (\d+)", cell.find(SVG + "title").text).groups() for cell in cells]
    assert sum(int(count) for _, _, count, _ in counts) == len(names.read_text().splitlines())
    assert {truth for truth, _, _, _ in counts} == {f"class {kind}" for kind in range(29)} | {"11 others"}


def test_pictures_are_refused_where_there_is_nothing_to_draw(forecaster, models, tmp_path, text):
    path, training, _ = forecaster
    picture = tmp_path / "p.svg"
    refused("eval", models["gru"], text, "--svg", picture, code=2, names=["--svg", "language"])
    picture.write_text("mine")
    refused("predict", path, training, "--svg", picture, code=1, names=["p.svg"])
    refused("eval", path, training, "--svg", picture, code=1, names=["p.svg"])
    assert picture.read_text() == "mine"
    sluice("eval", path, training, "--svg", picture, "--force")


def test_the_style_is_the_pages_in_both_themes(forecaster, tmp_path):
    path, training, _ = forecaster
    picture = tmp_path / "p.svg"
    sluice("predict", path, training, "--svg", picture)
    style = xml.parse(picture).getroot().find(SVG + "style").text
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    # The ground of the page, and what stands for the second kind of cell there.
    assert ".ground { fill: #faf9f6; }" in light and ".ground { fill: #11151a; }" in dark
    assert ".series-2 { color: #0a5fa3; }" in light and ".series-2 { color: #85c7ff; }" in dark
    assert "var(" not in style
