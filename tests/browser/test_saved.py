"""The page in one file: opened from disk, it shows the same and asks nobody."""

import math
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
    # What was measured comes first; the experiment that came along shows the old answer coming back.
    assert page.js("document.querySelector('#ask').nextElementSibling.id") == "distance"
    assert page.answers("#what-if-answer")["gru"] == "Indian"
    page.click("#try-holding")
    assert "the old answer comes back" in page.find("#experiment-told").text
    page.choose("#sample", FIRST)
    page.wait("the first text", lambda: page.answers()["gru"] == "Indian")
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
    usable = said["usable"]
    assert [int(row[0]) for row in rows] == usable["distances"]
    for column, key in ((1, "probability"), (2, "with_another")):
        assert [number(row[column]) for row in rows] == pytest.approx(usable[key], abs=6e-5)
    note = page.find("#horizon .note").text
    assert all(other in note for other in usable["others"]) and "samosa" in note
    # Before the question everything was read: the answer is that of the whole text.
    assert usable["answer"] == "Indian" and usable["probability"][-1] == pytest.approx(
        said["reading"]["candidates"][-1][0]["probability"], abs=1e-6)
    heads, rows = table(page, "#memories-apart")
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


@pytest.fixture(scope="module")
def small_text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "small.txt"
    path.write_text("".join(f"{who} {does} {what}, and so it goes.\n" for who in ("Ada", "Bela", "Chen", "Dora")
                            for does in ("likes", "sees", "paints") for what in ("the red house", "a river")) * 12)
    return path


SMALL = ["--hidden=16", "--epochs=1", "--batch=2", "--steps=8", "--threads=1", "-q"]


def test_a_comparison_on_a_text_says_what_it_shows_and_what_to_do_next(page, small_text, tmp_path):
    file = tmp_path / "compare.html"
    sluice("compare", small_text, "--cells", "rnn,gru", *SMALL, "--html", file)
    page.open(file.as_uri())
    page.wait("curves", lambda: page.all("#accuracy path.line"))
    assert page.find("#distance-title").text == "How well each network predicts what it saw long ago"
    text = page.find("#distance-body").text
    assert "the right one last occurred" in text and f"sluice train {small_text} --cell" in text
    # Distances are powers of two: each doubling takes as much room as any other.
    distances = [float(row[0]) for row in table(page, "#distance")[1] if row[1] != "–"]
    line = page.js("document.querySelector('#accuracy path.line').getAttribute('d')")
    places = [float(place) for place in re.findall(r"([\d.]+) ", line)]
    assert len(places) == len(distances) > 3
    rooms = [(b - a) / math.log2(y / x) for a, b, x, y in zip(places, places[1:], distances, distances[1:])]
    assert max(rooms) - min(rooms) < 0.5, rooms
    assert page.js("[...document.querySelectorAll('#accuracy text')].some((t) => t.textContent.includes('logarithmic'))")


def test_a_model_of_characters_is_not_spoken_to_of_words(page, small_text, tmp_path):
    model, file = tmp_path / "c.safetensors", tmp_path / "c.html"
    sluice("train", small_text, "-o", model, "--level=char", *SMALL)
    sluice("explain", model, "Ada likes", "--delete", "@3", "--html", file)
    page.open(file.as_uri())
    page.wait("an answer", lambda: page.answers().get("gru"))
    shown = page.find("main").text
    assert "character" in shown and not re.search(r"\bwords?\b", shown, re.IGNORECASE), shown


def test_a_percentage_is_all_or_nothing_only_when_it_is(page, small_text, tmp_path):
    model, file = tmp_path / "m.safetensors", tmp_path / "m.html"
    sluice("train", small_text, "-o", model, *SMALL)
    sluice("explain", model, "Ada likes", "--html", file)
    page.open(file.as_uri())
    shares = [0, 1e-9, 0.004, 0.005, 0.5, 0.994, 0.995, 0.9997, 1]
    assert page.js(f"{shares}.map((share) => Sluice.percent(share))") == [
        "0 %", "<1 %", "<1 %", "1 %", "50 %", "99 %", ">99 %", ">99 %", "100 %"]
    assert page.js("Sluice.percent(0.9997, 1)") == ">99.9 %"
    assert page.js("Sluice.percents(0.13001, 0.13004)") == ["13.001 %", "13.004 %"]
    assert page.js("Sluice.percents(0.13, 0.14)") == ["13 %", "14 %"]
    assert page.js("Sluice.percents(0.13, 0.13)") == ["13 %", "13 %"]


def test_a_live_page_saves_itself_in_one_file(page, address, demo, tmp_path):
    page.open(address, text=FIRST, edits='[{"kind":"replace","at":2,"with":"sushi"}]')
    page.wait("an answer", lambda: page.answers("#what-if-answer").get("gru") == "Japanese")
    live, unit = page.answers(), page.find("#story-told").text
    whole = page.driver.execute_async_script("Sluice.wholePage().then(arguments[0], e => arguments[0](String(e)))")
    file = tmp_path / "saved.html"
    file.write_text(whole)
    assert not re.search(r'(src|href)="(?!data:|#)', whole)
    page.open(file.as_uri())
    page.wait("an answer", lambda: page.answers().get("gru"))
    assert page.answers() == live and page.find("#story-told").text == unit
    assert page.answers("#what-if-answer")["gru"] == "Japanese"
    page.wait("the map", lambda: page.all("#map canvas"))
    assert not page.find("#save-page").is_displayed()
    page.open(address)
    assert page.find("#save-page").is_displayed()


def test_recall_while_it_trained_is_under_a_slider(page, demo):
    """The accuracy by distance at ten moments of the training, and the curve that was drawn at the end."""
    page.open((demo / "demo.html").as_uri())
    page.wait("the curves", lambda: page.all("#accuracy .line"))
    cells = page.js("Sluice.saved.comparison.cells")
    ends = page.js("[...document.querySelectorAll('#accuracy .line')].map(line => line.getAttribute('d'))")
    page.tab_to("recall-time")
    assert page.find("#recall-at").text == "at the end"
    page.keys("HOME")
    seen = []
    for moment in range(10):
        lines = page.js("[...document.querySelectorAll('#accuracy .line')].map(line => line.getAttribute('d'))")
        seen.append(lines)
        readout = re.findall(r"(\w+) [<>]?(\d+) %", page.find("#distance .readout").text)
        for cell, line, (name, share) in zip(cells, lines, readout):
            then = (cell["recall_while_training"] + [cell])[moment]["recall_by_distance"]
            heights = [float(y) for y in re.findall(r"[\d.]+ ([\d.]+)", line)]
            bottom, tall = page.js("(() => { const t = [...document.querySelectorAll('#accuracy .grid')].map("
                                   "g => Number(g.getAttribute('y1'))); return [t[0], t[0] - t[t.length - 1]]; })()")
            assert heights == [pytest.approx(bottom - one["accuracy"] * tall, abs=0.06) for one in then]
            assert name == cell["cell"].upper()
            assert int(share) == pytest.approx(100 * then[0]["accuracy"], abs=1.01)
        if moment < 9:
            first = cells[0]["recall_while_training"][moment]
            assert page.find("#recall-at").text.startswith(f"after {first['tokens']:,} words, {10 * (moment + 1)} % of")
            assert first["recall_by_distance"][0]["n"] < cells[0]["recall_by_distance"][0]["n"]
        page.keys("ARROW_RIGHT")
    assert seen[-1] == ends and seen[0] != ends and page.find("#recall-at").text == "at the end"
    # The tables: of the end, wherever the slider stands, and of all moments.
    page.keys("HOME")
    _, rows = table(page, "#distance")
    assert [[float(share) for share in row[1:]] for row in rows] == [
        [pytest.approx(cell["recall_by_distance"][d]["accuracy"], abs=5e-5) for cell in cells] for d in range(len(rows))]
    page.click("#distance details.numbers + details.numbers summary")
    rows = page.js("[...document.querySelectorAll('#distance details.numbers + details.numbers tbody tr')]"
                   ".map(row => [...row.children].map(cell => cell.textContent))")
    assert [[float(share) for share in row[2:]] for row in rows] == [
        [pytest.approx(cell["recall_while_training"][k]["recall_by_distance"][d]["accuracy"], abs=5e-5)
         for cell in cells] for k in range(9) for d in range(5)]
    page.keys("END")
    page.picture("recall-1280-light")
