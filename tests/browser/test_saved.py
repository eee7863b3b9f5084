"""The page in one file: opened from disk, it shows the same and asks nobody."""

import re

import pytest
from conftest import CELLS, explained, sluice
from test_page import FIRST, SECOND, number, table


def test_the_page_of_the_demonstration(page, demo):
    page.open((demo / "demo.html").as_uri())
    page.wait("an answer", lambda: page.answers().get("gru"))
    assert page.answers()["gru"] == "Indian"
    page.choose("#sample", SECOND)
    page.wait("the second text", lambda: page.answers()["gru"] == "Italian")
    assert page.answers()["lstm"] == "Italian"
    for section in ("units", "horizon", "distance"):
        assert page.find(f"#{section}").is_displayed()
    assert page.js("document.getElementById('what-if').hidden"), "nothing was changed, and a file cannot be asked"
    heads, rows = table(page, "#distance")
    assert heads[1:4] == ["RNN", "LSTM", "GRU"]
    assert [row[0] for row in rows] == ["0", "10", "20", "40", "80"]
    costs = page.texts("#distance table th[scope=row]")
    assert "weights" in costs and "one step" in costs
    page.hover("#accuracy")
    assert re.search(r"RNN \S+ %.*GRU \S+ %", page.find("#distance .readout").text)


def test_a_file_that_explain_wrote(page, demo, tmp_path):
    model, file = demo / "gru.safetensors", tmp_path / "gru.html"
    sluice("explain", model, FIRST, "--replace", "samosa=sushi", "--html", file)
    said = explained(model, FIRST, "--replace", "samosa=sushi")
    page.open(file.as_uri())
    page.wait("an answer", lambda: page.answers().get("gru"))
    assert page.answers()["gru"] == said["reading"]["candidates"][-1][0]["token"] == "Indian"
    changed = said["changed"]["reading"]["candidates"][-1][0]["token"]
    assert page.answers("#what-if-answer")["gru"] == changed == "Japanese"
    heads, rows = table(page, "#horizon")
    assert [number(row[1]) for row in rows] == pytest.approx(said["horizon"]["layers"][-1]["hidden"], abs=6e-5)


def test_a_file_loads_nothing_and_says_so(demo):
    html = (demo / "demo.html").read_text()
    assert re.search(r'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'', html)
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    assert not re.search(r"""\sstyle=|\son[a-z]+=["']""", html.split("<script", 1)[0]), "styles and handlers in markup"


def test_several_seeds_show_their_spread(page, tmp_path):
    """A comparison written as a page: bands and the standard deviation come from the runs."""
    file = tmp_path / "compare.html"
    sluice("compare", "--favourites", "--cells", "gru,rnn", "--words", "20000", "--stories", "40", "--seeds", "1,2",
           "--hidden", "16", "--embedding", "16", "-q", "--html", file)
    page.open(file.as_uri())
    page.wait("curves", lambda: page.all("#accuracy .band"))
    heads, rows = table(page, "#distance")
    assert heads == ["distance", "GRU", "RNN", "GRU worst to best", "RNN worst to best"]
    for row in rows:
        low, high = map(float, row[3].split(" to "))
        assert low <= float(row[1]) <= high
    assert "±" in page.find("#distance-body > .scroll table").text
