"""The page of a training: what is drawn is what its log says, as one file and while the training goes on."""

import json
import math
import pathlib
import re
import sys

import pytest
from conftest import ROOT, sluice
from test_looks import CONTRAST
from test_page import number, table

sys.path.insert(0, str(ROOT / "tests"))
from texts import small_text  # noqa: E402


# pixels(canvas, x, y): the colour there, read from a copy.
PIXELS = """((() => { const copies = new Map(); window.pixels = (canvas, x, y) => {
  if (!copies.has(canvas)) {
    const copy = document.createElement('canvas'), pen = copy.getContext('2d', {willReadFrequently: true});
    Object.assign(copy, {width: canvas.width, height: canvas.height});
    pen.drawImage(canvas, 0, 0);
    copies.set(canvas, pen);
  }
  return [...copies.get(canvas).getImageData(Math.floor(x), Math.floor(y), 1, 1).data].slice(0, 3); }; })()), """


def lines_of(log, kind):
    return [line for line in map(json.loads, log.read_text().splitlines()) if line["kind"] == kind]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a training with its log and page."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "text.txt").write_text(small_text() * 3)
    sluice("train", folder / "text.txt", "-o", folder / "m", "--hidden=24", "--layers=2", "--cell=lstm", "--epochs=8",
           "--batch=4", "--steps=16", "--threads=1", "--lr=0.02", "--log", folder / "log", "--html",
           folder / "page.html")
    return folder


def open_page(page, address):
    page.open(address)
    page.wait("the curves", lambda: page.all("#speed-chart .line"))


def points(page, selector):
    """Of a line, its points as (update, value), from the pixels and the axes of its chart."""
    chart = selector.split("-chart")[0].lstrip("#")
    path = page.js("document.querySelector(arguments[0]).getAttribute('d')", selector)
    axes = page.js(f"(({{left, right, top, bottom, low, high, span, logarithmic}}) =>"
                   f" [left, right, top, bottom, low, high, ...span, logarithmic])(Sluice.charts.{chart})")
    left, right, top, bottom, low, high, first, last, logarithmic = axes
    found = []
    for x, y in re.findall(r"([\d.]+) ([\d.]+)", path):
        share = (bottom - float(y)) / (bottom - top)
        value = low * (high / low) ** share if logarithmic else low + share * (high - low)
        found.append((first + (float(x) - left) / (right - left) * (last - first), value))
    return found


def near(page, chart, values):
    """As exactly as pixels say it: a hundredth of one."""
    low, high, tall, logarithmic = page.js(f"(c => [c.low, c.high, c.bottom - c.top, c.logarithmic])(Sluice.charts.{chart})")
    if logarithmic:
        return [pytest.approx(value, rel=math.log(high / low) / tall * 0.02) for value in values]
    return [pytest.approx(value, abs=(high - low) / tall * 0.02) for value in values]


def test_the_loss_of_the_model_that_is_saved_is_said_too(page, tmp_path):
    """The output is scaled after the last validation (--calibrate-temperature), which makes the loss another."""
    log, file, text = tmp_path / "log", tmp_path / "page.html", tmp_path / "text.txt"
    text.write_text(small_text())
    sluice("train", text, "-o", tmp_path / "m", "--level=char", "--hidden=8", "--epochs=3", "--batch=4", "--steps=16",
           "--threads=1", "--calibrate-temperature", "--log", log, "--html", file, "-q")
    done, = lines_of(log, "done")
    kept = [one for one in lines_of(log, "validation") if one["best"]][-1]
    assert f"{done['validation_loss']:.4f}" != f"{kept['validation_loss']:.4f}"
    open_page(page, file.as_uri())
    assert f" The model that is saved: {done['validation_loss']:.4f}." in page.find("#now").text


def test_what_is_drawn_is_the_log(page, trained):
    open_page(page, (trained / "page.html").as_uri())
    updates, validations = lines_of(trained / "log", "update"), lines_of(trained / "log", "validation")
    assert len(updates) > 100 and len(validations) == 8
    for line, wanted, name in (("#loss-chart .line.series-1", updates, "loss"),
                               ("#loss-chart .line.series-2", validations, "validation_loss"),
                               ("#norm-chart .line", updates, "gradient_norm"),
                               ("#rate-chart .line", updates, "learning_rate"),
                               ("#speed-chart .line", updates, "tokens_per_second")):
        drawn = points(page, line)
        assert [round(update) for update, _ in drawn] == [one["update"] for one in wanted], line
        chart = line.split("-chart")[0].lstrip("#")
        assert [value for _, value in drawn] == near(page, chart, [one[name] for one in wanted]), line
    # The level lines, and the ring at the weights that are kept.
    ngram, = lines_of(trained / "log", "ngram")
    start, = lines_of(trained / "log", "start")
    level = "(line => Sluice.charts.{0}.height({1}) - line.getAttribute('y1'))(document.querySelector('#{0}-chart .limit'))"
    assert abs(page.js(level.format("loss", ngram["validation_loss"]))) < 0.01
    assert abs(page.js(level.format("norm", start["clip_norm"]))) < 0.01
    assert page.texts("#loss-chart .limit-name") == ["5-gram"] and page.texts("#norm-chart .limit-name") == ["clip 1"]
    kept = [one for one in validations if one["best"]][-1]
    ring = page.js("(ring => [ring.getAttribute('cx') - Sluice.charts.loss.place(arguments[0]),"
                   " ring.getAttribute('cy') - Sluice.charts.loss.height(arguments[1])])"
                   "(document.querySelector('#loss-chart .kept'))", kept["update"], kept["validation_loss"])
    assert ring == pytest.approx([0, 0], abs=0.01)
    assert f"kept: {kept['validation_loss']:.4f}, after epoch {kept['epoch']}." in page.find("#now").text
    assert "Training has ended. Epoch 8 of 8, update " in page.find("#now").text
    assert "LSTM 2x24" in page.find("#what").text


def test_what_is_read_out_is_the_log(page, trained):
    open_page(page, (trained / "page.html").as_uri())
    updates, validations = lines_of(trained / "log", "update"), lines_of(trained / "log", "validation")
    page.tab_to("loss-chart")
    page.keys("HOME")
    assert page.find("#loss-readout").text == f"update 1, epoch 1: training {updates[0]['loss']:.4f}"
    each = validations[0]["update"]
    for _ in range(3):
        page.keys("PAGE_DOWN")
    for _ in range(2):
        page.keys("ARROW_RIGHT")
    at = 2 + 3 * round(len(updates) / 20)
    said = page.find("#loss-readout").text
    assert said.startswith(f"update {at + 1}, epoch {1 + at // each}: training {updates[at]['loss']:.4f}")
    last = [one for one in validations if one["update"] <= at + 1]
    assert not last or said.endswith(f"validation {last[-1]['validation_loss']:.4f} after update {last[-1]['update']:,}")
    page.keys("END")
    assert f"validation {validations[-1]['validation_loss']:.4f} after update {len(updates):,}" in page.find(
        "#loss-readout").text
    # The pointer, in the middle.
    page.hover("#norm-chart", *page.js("(c => [(c.left + c.right - c.node.clientWidth) / 2, 0])(Sluice.charts.norm)"))
    found = re.fullmatch(r"update (\d+): gradient norm ([\d.]+)", page.find("#norm-readout").text)
    assert abs(int(found[1]) - len(updates) / 2) <= 2
    assert number(found[2]) == pytest.approx(updates[int(found[1]) - 1]["gradient_norm"], rel=1e-4)
    # Tables: of each update, and of each validation behind the update that it comes after.
    heads, rows = table(page, "#loss")
    assert heads == ["", "epoch", "training", "validation"] and len(rows) == len(updates) + len(validations)
    assert [row[2] for row in rows if not row[3]] == [f"{one['loss']:.4f}" for one in updates]
    assert [(row[0], row[1], row[3]) for row in rows if row[3]] == [
        (f"after update {one['update']:,}", str(one["epoch"]), f"{one['validation_loss']:.4f}") for one in validations]
    _, rows = table(page, "#rate")
    assert [number(row[2]) for row in rows] == [pytest.approx(one["learning_rate"], rel=1e-4) for one in updates]


def test_the_maps_of_gates_are_the_log(page, trained):
    open_page(page, (trained / "page.html").as_uri())
    logged = lines_of(trained / "log", "gates")
    assert page.texts("#gates h3") == ["Layer 0", "Layer 1"]
    assert page.texts("#gates h4") == ["input", "forget", "output"] * 2
    low, high = page.js("[Sluice.colourOf('--sunk'), Sluice.colourOf('--water-line')]")
    for number_of_gate, (layer, gate) in enumerate((layer, gate) for layer in (0, 1)
                                                   for gate in ("input", "forget", "output")):
        counts = [one["layers"][layer]["gates"][gate] for one in logged]
        shares = [[count / sum(bins) for count in bins] for bins in counts]
        most = max(map(max, shares))
        # The colour in the middle of every cell.
        painted = page.js(PIXELS + """(map => map.rows.last.map((_, i) => Array.from({length: 20}, (_, bin) => pixels(
            map.canvas, (map.edge(i) + map.edge(i + 1)) / 2 - map.left, map.canvas.height * (1 - (bin + 0.5) / 20)))))
            (Sluice.charts.gates[arguments[0]])""", number_of_gate)
        for column, wanted in zip(painted, shares):
            for colour, share in zip(column, wanted):
                assert colour == [pytest.approx(a + (b - a) * share / most, abs=1) for a, b in zip(low, high)]
    # By keys: from the last validation and its most frequent value, to the left and up.
    last = logged[-1]["layers"][0]["gates"]["input"]
    page.tab_to("gate-0")
    assert page.find("#gate-0-readout").text.startswith(f"update {logged[-1]['update']:,}, epoch 8: ")
    peak = last.index(max(last))
    assert f"of input from {peak / 20:.2f} to {(peak + 1) / 20:.2f}" in page.find("#gate-0-readout").text
    page.keys("ARROW_LEFT", "ARROW_UP" if peak < 19 else "ARROW_DOWN")
    at = peak + (1 if peak < 19 else -1)
    bins = logged[-2]["layers"][0]["gates"]["input"]
    said = re.match(r"update ([\d,]+), epoch 7: <?([\d.]+) % of input from ([\d.]+)", page.find("#gate-0-readout").text)
    assert int(said[1].replace(",", "")) == logged[-2]["update"] and float(said[3]) == pytest.approx(at / 20)
    assert float(said[2]) == pytest.approx(100 * bins[at] / sum(bins), abs=0.1)
    heads, rows = table(page, "#gates")
    assert heads[4] == "0.00 to 0.05" and len(rows) == 6 * len(logged)
    assert [list(map(int, row[4:])) for row in rows[:3]] == list(logged[0]["layers"][0]["gates"].values())


def synthetic(updates):
    """The lines of a log of that many updates, 1 of 50 validated after."""
    lines = [{"kind": "start", "model": "<b>big", "cell": "gru", "layers": "1x8", "parameters": 100, "unit": "token",
              "loss_unit": "nats per token", "clip_norm": 1, "epochs": 4, "updates": updates, "resumed": False}]
    for u in range(1, updates + 1):
        lines.append({"kind": "update", "epoch": 1, "update": u, "tokens": u, "loss": 2 + u % 7 / 10,
                      "learning_rate": 0.001, "seconds": u, "tokens_per_second": 1000, "gradient_norm": 1 + u % 5})
        if u % 50 == 0:
            lines.append({"kind": "validation", "epoch": 1, "update": u, "loss": 2, "validation_loss": 3 - u / 1e6,
                          "best": True})
            lines.append({"kind": "gates", "epoch": 1, "update": u, "layers": [
                {"layer": 0, "gates": {"<img src=x onerror=alert(1)>": [u % 9] * 20}}]})
    return [json.dumps(line) + "\n" for line in lines]


def test_many_updates_are_means_with_their_least_and_most(page, serve, tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(synthetic(5000)))
    open_page(page, serve("--watch", log))
    assert page.js("Sluice.seen.updates.stride") == 4 and "mean of 4 updates" in page.find("#loss-note").text
    drawn = points(page, "#loss-chart .line.series-1")
    wanted = [sum(2 + u % 7 / 10 for u in range(first, first + 4)) / 4 for first in range(1, 5001, 4)]
    assert [value for _, value in drawn] == near(page, "loss", wanted)
    page.tab_to("loss-chart")
    page.keys("HOME")
    assert page.find("#loss-readout").text == "updates 1 to 4, epoch 1: training 2.2500 (2.1000 to 2.4000)"
    band = points(page, "#loss-chart .band")
    assert [round(value, 2) for _, value in band[:1] + band[-1:]] == [2.4, 2.1]
    page.tab_to("norm-chart")
    page.keys("HOME")
    assert page.find("#norm-readout").text == "updates 1 to 4: gradient norm 3.5 (2 to 5)"
    # Names out of a log are text.
    assert page.texts("#gates h4") == ["<img src=x onerror=alert(1)>"] and "<b>big" in page.find("#what").text


def test_a_training_that_goes_on_is_followed(page, serve, trained, tmp_path):
    log = tmp_path / "log"
    source = (trained / "log").read_bytes().splitlines(True)
    page.open(serve("--watch", log))
    page.wait("a word", lambda: "is not there yet" in page.find("#notice").text)
    assert page.find("#now").text == "No update yet." and not page.find("#gates").is_displayed()
    page.js("window.never_reloaded = true")
    log.write_bytes(b"".join(source[:30]))
    page.wait("updates", lambda: "Training goes on" in page.find("#now").text)
    assert page.find("#notice").text == ""
    first = points(page, "#loss-chart .line.series-1")
    assert len(first) == 28 and page.find("#loss-readout").text.startswith("update 28, ")
    # Whoever reads a value keeps it and the focus while there is more.
    page.tab_to("loss-chart")
    page.keys("HOME")
    said = page.find("#loss-readout").text
    with open(log, "ab") as file:
        file.write(b"".join(source[30:]) + b'{"kind": "upd')
    page.wait("the end", lambda: "Training has ended" in page.find("#now").text)
    page.wait("a word", lambda: "has no end yet" in page.find("#notice").text)
    assert page.find("#loss-readout").text == said and page.focused() == "loss-chart"
    updates = lines_of(trained / "log", "update")
    drawn = points(page, "#loss-chart .line.series-1")
    assert [value for _, value in drawn] == near(page, "loss", [one["loss"] for one in updates])
    assert page.find("#gates").is_displayed()
    assert page.js("JSON.stringify(Sluice.seen.gates.counts)") == json.dumps(
        [[bins for layer in one["layers"] for bins in layer["gates"].values()]
         for one in lines_of(trained / "log", "gates")], separators=(",", ":"))
    # Another training in the same file.
    log.write_bytes(b"".join(source[:12]))
    page.wait("the new one", lambda: "begun anew" in page.find("#notice").text)
    page.wait("its updates", lambda: len(points(page, "#loss-chart .line.series-1")) == 10)
    assert not page.find("#gates").is_displayed() and page.js("window.never_reloaded")


def test_a_server_that_is_gone_leaves_the_picture(page, serve, trained):
    open_page(page, serve("--watch", trained / "log"))
    page.offline(True)
    try:
        page.wait("a word", lambda: "does not answer" in page.find("#notice").text)
        assert page.js("document.documentElement.classList.contains('old')") and page.all("#loss-chart .line")
    finally:
        page.offline(False)
    page.wait("it again", lambda: page.find("#notice").text == "")
    assert not page.js("document.documentElement.classList.contains('old')")
    assert all("ERR_INTERNET_DISCONNECTED" in line for line in page.complaints())


def test_the_page_that_is_watched_can_be_saved(page, serve, trained, tmp_path):
    open_page(page, serve("--watch", trained / "log"))
    said = page.driver.execute_async_script("Sluice.wholePage().then(arguments[0])")
    saved = tmp_path / "saved.html"
    saved.write_text(said)
    wanted = page.find("#now").text
    open_page(page, saved.as_uri())
    assert page.find("#now").text == wanted and not page.find("#save-page").is_displayed()
    assert [round(update) for update, _ in points(page, "#loss-chart .line.series-1")] == [
        one["update"] for one in lines_of(trained / "log", "update")]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_every_width_and_theme(page, trained, width, theme):
    page.look(width, theme)
    open_page(page, (trained / "page.html").as_uri())
    assert page.js("document.documentElement.dataset.theme") == theme
    assert page.js("document.documentElement.scrollWidth") <= width
    seen, faint = page.js(CONTRAST)
    assert faint == [] and seen > 60
    outside = page.js("""[...document.querySelectorAll('svg.drawing')].flatMap(drawing => {
        const box = drawing.getBoundingClientRect();
        return [...drawing.querySelectorAll('text')].filter(text => { const b = text.getBoundingClientRect();
          return b.left < box.left - 0.5 || b.right > box.right + 0.5 || b.top < box.top - 0.5 ||
                 b.bottom > box.bottom + 0.5; }).map(text => text.textContent); })""")
    assert outside == []
    page.picture(f"training-{width}-{theme}")


def test_the_theme_repaints_the_maps(page, trained):
    open_page(page, (trained / "page.html").as_uri())
    corner = PIXELS + "pixels(document.querySelector('#gate-0 canvas'), 3, 3)"
    light = page.js(corner)
    page.click("#theme")
    assert page.js(corner) != light
    page.js("localStorage.clear()")


def test_on_paper(page, trained):
    open_page(page, (trained / "page.html").as_uri())
    page.js("window.dispatchEvent(new Event('beforeprint'))")
    page.wait("the width of the paper", lambda: page.js(
        "document.querySelector('#loss-chart svg').getBoundingClientRect().width") <= 680)
    assert page.js("document.querySelector('#gate-0 canvas').getBoundingClientRect().right <="
                   " document.querySelector('main').getBoundingClientRect().right")
    page.picture("training-paper")
    page.js("window.dispatchEvent(new Event('afterprint'))")


def test_pictures_are_whole(page, trained):
    open_page(page, (trained / "page.html").as_uri())
    for figure in ("#loss-body figure", "#gates-body"):
        text, width, height = page.js("(({text, width, height}) => [text, width, height])(Sluice.asSvg("
                                      "document.querySelector(arguments[0])))", figure)
        assert width > 600 and height > 200 and "NaN" not in text
        assert ("validation" in text) if "loss" in figure else (text.count("<image") == 6 and "forget" in text)
