"""The story of units and the cell microscope: what is shown is what sluice explain --json says, for every cell, and the
first screen tells what was kept, by which unit, and what let it go."""

import re

import pytest
from conftest import CELLS, explained, refusal, sluice
from test_page import FIRST, SECOND, number

PLACE = "(n => [Number(n.dataset.layer), Number(n.dataset.unit), Number(n.dataset.word)])(document.querySelector('#microscope'))"


def open_story(page, address, text, **state):
    page.open(address, text=text, **state)
    page.wait("the microscope", lambda: page.all("#microscope"))


def shown(page, scope="#microscope .microscope-body > div:first-child"):
    """Each equation on the page: [(symbol, value, the number beneath it)]."""
    return dict(page.js("""[...document.querySelectorAll(arguments[0] + ' .equation')].map(line =>
      [line.dataset.equation, [...line.querySelectorAll('.symbol')].map(s =>
        [s.dataset.symbol, Number(s.dataset.value), s.querySelector('.number').textContent])])""", scope))


def parts_of(said, layer, unit, word):
    found = said["microscope"]
    parts = next(u for u in found["units"] if (u["layer"], u["unit"]) == (layer, unit))
    values = dict(zip(found["products"], parts["products"][word])) | dict(zip(found["biases"], parts["biases"]))
    states = said["model"]["states"]
    before = parts["states"][word - 1] if word else parts["before"]
    values |= dict(zip(states, before)) | dict(zip([f"{s}'" for s in states], parts["states"][word]))
    return values


def check_against_json(page, said):
    layer, unit, word = page.js(PLACE)
    values = parts_of(said, layer, unit, word)
    equations = shown(page)
    assert list(equations) == said["model"]["equations"]
    for line, symbols in equations.items():
        assert line.replace(" ", "").startswith(symbols[0][0])
        for symbol, value, text in symbols:
            name = symbol.split(" ")[0]
            digits = 3 if value != 0 and abs(value) < 0.005 else 2
            assert number(text) == pytest.approx(value, abs=0.51 * 10 ** -digits)
            if name in values:
                assert value == pytest.approx(values[name], abs=1e-4), (line, symbol)
    return layer, unit, word


@pytest.fixture(scope="session")
def small_models(tmp_path_factory):
    """One small model of each cell that the command lists, and of the plain RNN with its other activation."""
    folder = tmp_path_factory.mktemp("cells")
    (folder / "text.txt").write_text("the cat saw the dog and the dog saw a bird , so it goes .\n" * 40)
    listed = re.search(r"one of ([a-z0-9, -]+), found", refusal("train", "/dev/null", "-o", "/dev/null", "--cell=none-such"))
    models = {}
    for name, options in [(cell.strip(), []) for cell in listed.group(1).split(", ")] + [("rnn", ["--activation=relu"])]:
        file = folder / f"{name}{'-relu' if options else ''}.safetensors"
        sluice("train", folder / "text.txt", "-o", file, "--cell", name, "--hidden=16", "--layers=2", "--epochs=3",
               "--batch=4", "--steps=8", "--threads=1", *options)
        models[file.stem] = file
    return models


def test_the_microscope_shows_every_cell(page, serve, small_models):
    text = "the cat saw the dog and a bird"
    address = serve(*small_models.values())
    assert len(small_models) >= 5
    for i, (name, file) in enumerate(sorted(small_models.items())):
        said = explained(file, text)
        order = page_order(page, address, name)
        open_story(page, address, text, model=order)
        for word in (0, 3, 7):
            page.click(f"#cell-word-{word}")
            assert check_against_json(page, said)[2] == word
        # The next ones of the ranking, and one that did not come along.
        page.js("Sluice.set({unit: '1:5', word: 2})")
        page.wait("another unit", lambda: page.all("#microscope") and page.js(PLACE) == [1, 5, 2])
        check_against_json(page, explained(file, text, "--unit", "1:5"))
        # z is said to write only where it does.
        writes = any(line.startswith("h' = (1 - z) * h") for line in said["model"]["equations"])
        assert bool(page.all("#convention")) == writes
        assert not writes or "PyTorch and Keras z keeps" in page.find("#convention").text


def page_order(page, address, name):
    page.open(address)
    return page.js("Sluice.about.models.findIndex(m => m.name === arguments[0])", name)


def test_the_numbers_are_those_of_the_command_to_the_digit(page, address, demo):
    for i, cell in enumerate(CELLS):
        said = explained(demo / f"{cell}.safetensors", SECOND)
        open_story(page, address, SECOND, model=i)
        layer, unit, word = check_against_json(page, said)
        assert unit == said["ablation"]["units"][0]["unit"]
        page.click(f"label[for='unit-0:{said['ablation']['units'][2]['unit']}']")
        assert check_against_json(page, said)[1] == said["ablation"]["units"][2]["unit"]
    # Beside a network with gates stands the plain one, with its single line at the same word.
    rnn = explained(demo / "rnn.safetensors", SECOND)
    (line, symbols), = shown(page, "#microscope .beside").items()
    values = parts_of(rnn, 0, rnn["ablation"]["units"][0]["unit"], page.js(PLACE)[2])
    assert line == "h' = tanh(W x + U h + b)"
    assert [v for _, v, _ in symbols] == pytest.approx([values[n] for n in ("h'", "W", "U", "b")], abs=1e-4)


def test_the_sentence_and_the_bars_say_what_the_equation_says(page, address):
    open_story(page, address, SECOND)
    words = page.texts("#story .cell-word .letters")
    page.click(f"#cell-word-{words.index('pasta')}")
    values = {symbol: value for line in shown(page).values() for symbol, value, _ in line}
    share = lambda v: "<1 %" if 0 < v < .005 else ">99 %" if .995 < v < 1 else f"{round(100 * v)} %"
    fixed = lambda v: f"{v:.3f}" if v and abs(v) < .005 else f"{v:.2f}"
    assert page.find("#cell-told").text.replace("−", "-") == (
        f"At pasta it kept {share(1 - values['z'])} of {fixed(values['h'])} and wrote {share(values['z'])} of "
        f"{fixed(values['h~'])}: it now holds {fixed(values[chr(104) + chr(39)])}.")
    kept, written, after = page.js("""[...document.querySelectorAll('.balances li')].map(row => { return [...row.querySelectorAll('.balance > :not(.zero)')].map(bar => parseFloat(bar.style.width) / 50); })""")
    assert kept == pytest.approx([abs(values["h"]), abs((1 - values["z"]) * values["h"])], abs=1e-3)
    assert written == pytest.approx([abs(values["h~"]), abs(values["z"] * values["h~"])], abs=1e-3)
    assert after == pytest.approx([abs(values["h'"])], abs=1e-3)


def test_stepping_playing_and_the_keyboard(page, address):
    open_story(page, address, FIRST)
    page.click("#cell-word-0")
    assert page.js(PLACE)[2] == 0 and page.find("#cell-back").get_attribute("disabled")
    page.click("#cell-on")
    page.click("#cell-on")
    assert page.js(PLACE)[2] == 2 and "samosa" in page.find("#microscope h3").text
    page.click("#cell-back")
    assert page.js(PLACE)[2] == 1
    page.click("#cell-play")
    page.wait("the third word", lambda: page.js(PLACE)[2] >= 3)
    assert page.find("#cell-play").text == "Pause"
    page.click("#cell-play")
    here = page.js(PLACE)[2]
    assert page.find("#cell-play").text == "Play"
    page.js(f"document.getElementById('cell-word-{here}').focus()")
    page.keys("ARROW_RIGHT")
    assert page.js(PLACE)[2] == here + 1 and page.focused() == f"cell-word-{here + 1}"
    page.keys("HOME")
    assert page.js(PLACE)[2] == 0 and page.focused() == "cell-word-0"


def test_within_the_first_screen_a_newcomer_sees_it(page, address, demo):
    """Which word was kept, by which unit, what let it go: without scrolling, and only because the numbers say so."""
    page.look(1280, "light", height=800)
    open_story(page, address, SECOND)
    told = page.find("#story-told").text
    said = explained(demo / "gru.safetensors", SECOND)
    unit = said["ablation"]["units"][0]["unit"]
    assert said["ablation"]["units"][0]["nats"] > 1
    assert f"Unit {unit} held from samosa and let go at" in told and "holds from pasta to here" in told
    # The gate of that unit at the word named: it kept little there, and nearly everything on the way.
    words = [word["text"] for word in said["reading"]["words"]]
    kept = [row[unit] for row in said["reading"]["layers"][0]["gates"]["retain"]["values"]]
    let_go = page.js("[...document.querySelectorAll('#story .event')].map(n => [n.textContent,"
                     " Number(n.parentElement.querySelector('button').dataset.at)])")
    place = next(at for text, at in let_go if text.startswith("let go"))
    assert kept[place] < 0.35 and min(kept[words.index("samosa") + 1:place]) > 0.5
    for part in ("#story-told", "#story .unit-words", "#try-holding"):
        assert page.js("document.querySelector(arguments[0]).getBoundingClientRect().bottom", part) <= 800, part
    page.picture("story-1280-light")


def test_a_plain_network_is_not_said_to_hold(page, address):
    open_story(page, address, SECOND, model=0)
    assert "is written anew at every word" in page.find("#story-told").text
    assert not page.all("#story .event") and not page.all("#try-holding")
    assert "no gate keeps it" in page.find("#cell-told").text


def test_the_old_answer_comes_back_by_a_button(page, address):
    open_story(page, address, SECOND)
    assert "does Indian come back?" in page.find("#try-holding").text
    page.click("#try-holding")
    page.wait("the answer", lambda: "the old answer comes back" in page.find("#experiment-told").text)
    page.wait("before and after", lambda: page.answers("#what-if-answer").get("gru") == "Indian")
    open_story(page, address, FIRST)
    assert page.find("#try-holding").text.startswith("Hold retain at 0 at almost")
    page.click("#try-holding")
    page.wait("the answer", lambda: "instead of Indian" in page.find("#experiment-told").text)


def test_a_saved_change_of_another_kind_is_no_experiment(page, demo, tmp_path):
    for i, changes in enumerate((["--clamp", "retain=1,units=3"], ["--clamp", "reset=0,words=3-5"],
                                 ["--clamp", "retain=1,words=3-5", "--delete", "almost"], ["--replace", "samosa=sushi"])):
        sluice("explain", demo / "gru.safetensors", FIRST, *changes, "--html",
               tmp_path / f"{i}.html")
        page.open((tmp_path / f"{i}.html").as_uri())
        page.wait("the microscope", lambda: page.all("#microscope"))
        assert not page.all("#try-holding"), changes
    sluice("explain", demo / "gru.safetensors", FIRST, "--clamp", "retain=0,words=3-3", "--html", tmp_path / "hold.html")
    page.open((tmp_path / "hold.html").as_uri())
    assert page.find("#try-holding").text.startswith("Hold retain at 0 at almost")


def test_a_saved_page_has_the_microscope(page, demo, tmp_path):
    file = tmp_path / "gru.html"
    sluice("explain", demo / "gru.safetensors", FIRST, "--html", file)
    page.open(file.as_uri())
    said = explained(demo / "gru.safetensors", FIRST)
    check_against_json(page, said)
    assert not page.all("#beginning")
    page.js("Sluice.set({word: 0})")  # the state before it is what the end of a line left
    page.wait("the first word", lambda: page.js(PLACE)[2] == 0)
    check_against_json(page, said)
    assert "training" in page.find("#beginning").text
    assert not page.all("#unit-number")
    carried = [u['unit'] for u in said['microscope']['units']]
    page.js(f"Sluice.set({{unit: '0:{next(u for u in range(128) if u not in carried)}', word: null}})")
    page.wait("why there is nothing", lambda: "holds the equations of 16 units" in page.find("#story-body").text)


def test_characters_are_called_characters(page, serve, tmp_path):
    """A model of characters opens with a line that it writes itself, and nothing calls its characters words."""
    (tmp_path / "text.txt").write_text("the cat saw the dog and the dog saw a bird , so it goes .\n" * 40)
    model = tmp_path / "letters.safetensors"
    sluice("train", tmp_path / "text.txt", "-o", model, "--level=char", "--hidden=32", "--epochs=6", "--batch=4", "--steps=16",
           "--threads=1")
    page.open(serve(model))
    page.wait("a text to begin with", lambda: page.js("document.documentElement.dataset.whole"))
    example = page.js("document.getElementById('text').placeholder")
    assert len(example) >= 6 and page.js("Sluice.seen.text") == example
    assert "character by character" in page.find("label[for=text]").text
    assert page.find("#cell-on").text.startswith("Next character")
    assert "a character" in page.find(".lane .reading").text or "character" in page.find("#story-told").text
    assert " word" not in page.find("#story-told").text and " word" not in page.find(".lane .reading").text
    page.click("#sample-0")
    page.wait_whole()
    assert page.js("Sluice.state.text") == example
