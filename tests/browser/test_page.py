"""The live page: what a person does with it, by pointer and by keyboard alone."""

import re

import pytest
from conftest import CELLS, HOSTILE, explained
from driver import Keys

FIRST = "Dhaval eats samosa almost everyday, it shouldn't be hard to guess that his favorite cuisine is"
SECOND = (FIRST + " Indian. His brother Bhavin however is a lover of pasta and cheese "
          "that means Bhavin's favorite cuisine is")


def table(page, figure):
    """The rows of the table beneath a figure, opened for that, by the first column."""
    page.js("(() => { const d = document.querySelector(arguments[0]); d.open = true; d.scrollIntoView(); })()",
            f"{figure} details.numbers")
    page.wait("a table", lambda: page.all(f"{figure} details.numbers td"))
    heads = page.texts(f"{figure} details.numbers thead th")
    rows = page.js("[...document.querySelectorAll(arguments[0] + ' details.numbers tbody tr')]"
                   ".map(row => [...row.children].map(cell => cell.textContent))", figure)
    return heads, rows


def number(text):
    return float(text.replace("−", "-"))


def test_the_favourites_typed_are_answered(page, address):
    page.open(address)
    page.type_text(FIRST)
    assert page.answers()["gru"] == "Indian"
    assert page.answers()["lstm"] == "Indian"
    page.picture("first-1280-light")
    page.type_text(SECOND)
    assert page.answers()["gru"] == "Italian"
    assert page.answers()["lstm"] == "Italian"
    assert set(page.answers()) == set(CELLS)


def test_arcs_lead_back_to_the_dish(page, address):
    page.open(address, text=FIRST)
    arcs = page.js("[...document.querySelectorAll('.lane[data-cell=gru] .arc')].map(arc => Number(arc.dataset.at))")
    words = page.texts(".lane[data-cell=gru] .letters")
    assert "samosa" in [words[at] for at in arcs]
    assert "samosa" in page.find(".lane[data-cell=gru] .reading").text
    assert page.crossings() == []


def test_another_dish_changes_the_answer(page, address):
    page.open(address, text=FIRST)
    page.choose("#edit-at", "3 samosa")
    page.find("#instead").send_keys("sushi")
    page.click("#replace")
    page.wait("Japanese", lambda: page.answers("#what-if-answer").get("gru") == "Japanese")
    assert page.answers("#what-if-answer")["lstm"] == "Japanese"
    assert page.answers()["gru"] == "Indian", "the text itself stands as it was"
    page.picture("what-if-1280-light")
    page.click("#undo-0")
    page.wait("no changes", lambda: not page.all("#what-if-answer .lane"))


def test_a_word_left_out_and_a_word_nobody_knows(page, address):
    page.open(address, text=FIRST)
    page.choose("#edit-at", "4 almost")
    page.click("#leave-out")
    page.wait("an answer", lambda: page.answers("#what-if-answer").get("gru"))
    assert "almost" not in page.texts("#what-if-answer .lane[data-cell=gru] .letters")
    page.type_text("Zaphod eats samosa")
    assert page.js("document.querySelector('.lane[data-cell=gru] .word').classList.contains('unknown')")
    assert "Not in its vocabulary: Zaphod" in page.find(".lane[data-cell=gru]").text


def test_memory_held_brings_the_old_answer_back(page, address):
    page.open(address, text=SECOND)
    assert page.answers()["gru"] == "Italian"
    words = page.texts(".lane[data-cell=gru] .letters")
    # Held from the first answer on, the memory of it passes over the second person untouched.
    indian, cheese = words.index("Indian"), words.index("cheese")
    page.choose("#hold-first", f"{indian + 1} Indian")
    page.choose("#hold-last", f"{cheese + 1} cheese")
    page.find("#hold-value").send_keys(Keys.END)
    assert page.find("#hold-shown").text == "1.00"
    page.click("#hold")
    page.wait("an answer", lambda: page.answers("#what-if-answer").get("gru"))
    assert page.answers("#what-if-answer")["gru"] == "Indian"
    assert "has no such gate" in page.find("#what-if-answer .lane[data-cell=rnn]").text


def test_reading_stops_at_a_word(page, address, demo):
    page.open(address, text=FIRST)
    page.click("#lane-2-2")
    page.wait_whole()
    page.wait("reading stopped", lambda: page.all(".lane[data-cell=gru] .unread"))
    expected = explained(demo / "gru.safetensors", FIRST, "--at", "samosa")["reading"]["candidates"][2][0]["token"]
    assert page.answers()["gru"] == expected
    page.click("#to-the-end")
    page.wait("the end", lambda: page.answers()["gru"] == "Indian")


def test_the_pointer_reads_the_map(page, address):
    page.open(address, text=FIRST)
    page.wait("the map", lambda: page.all("#map canvas"))
    before = page.find("#map-readout").text
    page.hover("#map canvas", 40, 20)
    page.wait("a value", lambda: page.find("#map-readout").text != before)
    assert re.match(r"\S+, unit \d+: retain [01]\.\d{4}, ", page.find("#map-readout").text)


def test_the_keyboard_alone_is_enough(page, address):
    page.open(address)
    page.tab_to("text")
    page.keys(*FIRST)
    page.wait_whole()
    assert page.answers()["gru"] == "Indian"
    page.tab_to("lane-0-0")
    page.keys("ARROW_RIGHT", "ARROW_RIGHT")
    assert page.focused() == "lane-0-2"
    page.keys("ENTER")
    page.wait("reading stopped", lambda: page.all("#lanes-list .unread"))
    page.wait("the focus back on the word", lambda: page.focused() == "lane-0-2")
    page.keys("ESCAPE")
    page.wait("the end", lambda: not page.all("#lanes-list .unread"))
    page.tab_to("instead")
    page.keys(*"sushi", "ENTER")
    page.wait("an answer", lambda: page.answers("#what-if-answer").get("gru"))
    page.tab_to("map")
    first = page.find("#map-readout").text
    page.keys("ARROW_DOWN", "ARROW_RIGHT")
    assert page.find("#map-readout").text != first
    page.tab_to("trace")
    page.keys("ARROW_RIGHT")
    assert page.find("#horizon .readout").text.startswith("1 word later")
    page.js("window.scrollTo(0, 0)")


def test_the_numbers_are_those_of_the_command(page, address, demo):
    page.open(address, text=FIRST)
    for cell in CELLS:
        said = explained(demo / f"{cell}.safetensors", FIRST)
        heads, rows = table(page, "#lanes")
        columns = {head: [row[i] for row in rows] for i, head in enumerate(heads)}
        name = cell.upper()
        for gate, track in said["reading"]["layers"][-1]["gates"].items():
            assert columns[f"{name} {gate}"] == [f"{v:.4f}" for v in track["words"]], gate
            # What is drawn says the same: how high the water stands, how long a bar is.
            part, side = (".water", "height") if gate == said["model"]["keeps"] else (f".bar.{gate} > span", "width")
            drawn = page.js(f"[...document.querySelectorAll('#lanes-list .lane[data-cell={cell}] {part}')]"
                            f".map(n => parseFloat(n.style.{side}))")
            # A long bar of reset means reset: it is the share that is left out.
            shares = [1 - v if gate == "reset" else v for v in track["words"]]
            assert drawn == pytest.approx([100 * v for v in shares], abs=0.51), gate
        likeliest = [list_[0] for list_ in said["reading"]["candidates"]]
        assert columns[f"{name} expects next"] == [one["token"] for one in likeliest]
        assert columns[f"{name} probability"] == [f"{one['probability']:.4f}" for one in likeliest]
        carries = [number(text) for text in columns[f"{name} carries"]]
        assert carries == pytest.approx(said["connectivity"]["leave_one_out"], abs=6e-5)
    layer = explained(demo / "gru.safetensors", FIRST)["reading"]["layers"][-1]
    page.wait("the map", lambda: page.all("#map canvas"))
    heads, rows = table(page, "#units")
    assert len(rows) == len(layer["half_life"])
    for row in rows:
        unit = int(row[0])
        values = [value[unit] for value in layer["gates"]["retain"]["values"]]
        assert [number(text) for text in row[2:]] == pytest.approx(values, abs=1e-9)
        assert row[1] == "∞" or number(row[1]) == pytest.approx(layer["half_life"][unit], abs=0.0051)
    lives = [float("inf") if row[1] == "∞" else number(row[1]) for row in rows]
    assert lives == sorted(lives, reverse=True)


def test_a_link_shows_the_same_view(page, address):
    page.open(address, text=FIRST)
    page.choose("#edit-at", "3 samosa")
    page.find("#instead").send_keys("sushi")
    page.click("#replace")
    page.wait("an answer", lambda: page.answers("#what-if-answer").get("gru") == "Japanese")
    page.click("label[for=measure-norm]")
    page.wait("the map", lambda: page.all("label[for=gate-reset]"))
    page.click("label[for=gate-reset]")
    link = page.js("Sluice.link()")
    page.reset()
    page.open(link)
    page.wait("the same answer", lambda: page.answers("#what-if-answer").get("gru") == "Japanese")
    assert page.js("document.getElementById('measure-norm').checked")
    page.wait("the same gate", lambda: page.js("(document.getElementById('gate-reset') || {}).checked"))
    assert page.js("document.getElementById('text').value") == FIRST


def test_of_a_link_that_was_tampered_with_what_is_sound_is_shown(page, address):
    page.open(address, text=FIRST, model="0", layer="9", sort="nothing", constructor="x",
              edits='[{"kind": "hold"}, {"kind": "replace", "at": 2, "with": "sushi"}, {"kind": "delete"}, 7, null]')
    page.wait("an answer", lambda: page.answers("#what-if-answer").get("gru") == "Japanese")
    page.wait("the map", lambda: page.all("#map canvas"))
    assert len(page.all(".edits li")) == 1
    assert page.js("document.getElementById('model-0').checked") and "A plain RNN" in page.find("#units").text


def test_pictures_are_whole(page, address):
    page.open(address, text=FIRST)
    svg = page.js("Sluice.asSvg(document.getElementById('lanes-figure')).text")
    parsed = "new DOMParser().parseFromString(arguments[0], 'image/svg+xml')"
    assert page.js(f"{parsed}.querySelector('parsererror') === null", svg)
    for word in ("samosa", "Indian", "GRU"):
        assert f">{word}" in svg
    assert "var(" not in svg and "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    size = page.driver.execute_async_script(
        "const done = arguments[0]; Sluice.asPng(document.getElementById('lanes-figure'))"
        ".then(b => done([b.type, b.size]), e => done([String(e), 0]))")
    assert size[0] == "image/png" and size[1] > 20000


def test_hostile_words_are_shown_as_text(page, serve, hostile):
    address = serve(hostile)
    page.open(address, text=" ".join(HOSTILE))
    assert len(page.all("#lanes-list .word")) == len(HOSTILE)
    shown = page.texts("#lanes-list .letters")
    assert shown[0] == "<script>alert(1)</script>" and shown[1] == HOSTILE[1]
    assert page.js("document.querySelectorAll('main script, main img, h3 b').length") == 0
    page.wait("the map", lambda: page.all("#map canvas"))
    assert page.js("document.documentElement.scrollWidth <= innerWidth")
    page.look(360, "light")
    page.wait("no overflow", lambda: page.js("document.documentElement.scrollWidth <= 360"))
    page.picture("hostile-360-light")


def test_two_hundred_words_by_many_units_do_not_stutter(page, address):
    words = (SECOND.split() * 8)[:200]
    page.open(address, text=" ".join(words))
    page.wait("the map", lambda: page.all("#map canvas"))
    page.picture("long-1280-light")
    drawn = page.js("""(() => { const map = document.getElementById('map'), start = performance.now();
      for (let i = 0; i < 50; ++i) {
        map.dispatchEvent(new KeyboardEvent('keydown', {key: i % 2 ? 'ArrowDown' : 'ArrowRight', bubbles: true}));
      }
      map.getBoundingClientRect(); return (performance.now() - start) / 50; })()""")
    assert drawn < 16, f"{drawn:.1f} ms a key"


def test_a_server_that_is_gone_is_said_and_comes_back_by_itself(page, address):
    page.open(address, text="Dhaval eats samosa")
    assert not page.js("document.documentElement.classList.contains('old')")
    page.offline(True)
    try:
        page.find("#text").send_keys(" almost")
        page.wait("a sentence about it", lambda: "does not answer" in page.find("#notice").text)
        # The old picture stands, is marked as old, and says of which text it is.
        assert page.js("document.documentElement.classList.contains('old')")
        assert "of the text Dhaval eats samosa." in page.find("#notice").text
        assert "almost" not in page.texts("#lanes-list .letters") and page.answers()["gru"]
    finally:
        page.offline(False)
    page.wait("the new picture, without a key", lambda: "almost" in page.texts("#lanes-list .letters"))
    page.wait("no notice", lambda: not page.find("#notice").text)
    assert not page.js("document.documentElement.classList.contains('old')")
    # The browser itself notes a request that failed; that is what was tested.
    assert all("ERR_INTERNET_DISCONNECTED" in line for line in page.complaints())


def test_a_text_that_is_too_long_is_said_and_the_old_picture_marked(page, address):
    page.open(address, text="Dhaval eats samosa")
    page.js("(() => { const f = document.getElementById('text'); f.value = 'a '.repeat(2100);"
            " f.dispatchEvent(new Event('input')); })()")
    page.wait("a sentence about it", lambda: "at most 2048" in page.find("#notice").text)
    assert page.js("document.documentElement.classList.contains('old')")
    page.type_text("Dhaval eats")
    assert not page.find("#notice").text
    assert all("status of 400" in line for line in page.complaints())


# What the page does when an answer to a key comes: everything that is drawn while somebody types.
DRAWN = """(() => { const seen = Sluice.seen, times = [];
  seen.whole = false;
  for (let i = 0; i < 5; ++i) {
    const start = performance.now();
    Sluice.redraw();
    document.body.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  seen.whole = true;
  return Math.min(...times); })()"""


def test_two_thousand_words_are_typed_as_two_hundred_are(page, address):
    """What is left out for that says so where it would stand."""
    words = (SECOND.split() * 70)[:1850]
    page.open(address, text=" ".join(words[:200]))
    few = page.js(DRAWN)
    page.js("(() => { const f = document.getElementById('text'); f.value = arguments[0];"
            " f.dispatchEvent(new Event('input')); })()", " ".join(words))
    page.wait_whole()
    assert page.js("Sluice.seen.models[0].words.length") >= 2000
    assert len(page.all(".lane[data-cell=gru] .word")) == 240
    for section in ("#lanes-list", "#story"):
        assert "words before: draw them all" in page.find(f"{section} .left-out").text
    many = page.js(DRAWN)
    assert many < 3 * few + 10, f"{few:.0f} ms for 200 words, {many:.0f} ms for 2,000"
    spent = page.js("""(() => { const f = document.getElementById('text'), start = performance.now();
      for (let i = 0; i < 5; ++i) { f.value += 's'; f.dispatchEvent(new Event('input')); }
      return (performance.now() - start) / 5; })()""")
    assert spent < 50, f"{spent:.0f} ms a key"
    page.wait_whole()
    page.click("#story .left-out button")
    assert page.js("!Number.isNaN(Sluice.state.word)")  # the button is none of the words among which it stands
    page.wait("all words", lambda: len(page.all(".lane[data-cell=gru] .word")) > 2000)
