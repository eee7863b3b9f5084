"""The page of serve --corpus: units by what they follow, the places of one, and places like a span of the text."""

import json
import subprocess

import pytest
from conftest import COMMAND, sluice
from test_axe import axe, violations  # noqa: F401
from test_looks import CONTRAST

LINE = 'Ada said "we go home" and the house is red.'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finder")
    text = folder / "quotes.txt"
    text.write_text("".join(f'{who} said "{what}" and {then}.\n' for who in ("Ada", "Bela", "Emil")
                            for what in ("we go home", "the dog (a big one) runs", "it rains") for then in
                            ("the house is red", "we go home", "nobody knows")) * 12)
    model = folder / "letters.safetensors"
    sluice("train", text, "-o", model, "--level=char", "--hidden=32", "--epochs=4", "--batch=8", "--steps=32", "--lr=0.01",
           "--threads=1")
    return model, text


@pytest.fixture(scope="module")
def corpus_address(made):
    model, text = made
    process = subprocess.Popen([COMMAND, "serve", str(model), "--corpus", str(text), "--port", "0", "--quiet"], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(20)


def units(made, *options):
    return json.loads(sluice("units", *made, "--json", *options))


def shown(text):
    return float(text.replace("−", "-"))


def open_finder(page, address, **state):
    page.open(address, text=LINE, **state)
    page.wait("the places of a unit", lambda: page.all("#found-unit .found-places li"))


def test_units_are_those_of_the_command(page, corpus_address, made):
    open_finder(page, corpus_address)
    said = units(made, "--places=4")
    order = sorted(said["units"], key=lambda u: -abs(u["correlations"][0]["r"]))
    assert page.texts(".found-unit b") == [f"unit {u['unit']}" for u in order[:10]]
    assert [shown(r) for r in page.texts(".found-unit .r")] == [round(u["correlations"][0]["r"], 3) for u in order[:10]]
    page.click("#all-found")
    page.wait("all units", lambda: len(page.all(".found-unit")) == 32)
    # By one thing that is followed.
    page.choose("#follows", "inside quotation marks")
    quotes = {u["unit"]: c["r"] for u in said["units"] for c in u["correlations"] if c["with"] == "quotes"}
    page.wait("another order", lambda: shown(page.texts(".found-unit .r")[0]) == round(max(quotes.values(), key=abs), 3))
    sizes = [abs(shown(r)) for r in page.texts(".found-unit .r")]
    assert sizes == sorted(sizes, reverse=True)
    # One unit's places: numbers, text and values are the command's.
    unit = order[3]
    page.click(f"#found-{unit['layer']}-{unit['unit']}")
    page.wait("the unit", lambda: page.texts("#found-unit h3") == [f"Unit {unit['unit']}"]
              and len(page.all("#found-unit .found-places li")) == 8)
    for which in ("highest", "lowest"):
        found = page.js("[...document.querySelectorAll(`[data-which=${arguments[0]}] li`)].map(li => [Number(li.dataset.at),"
                        " [...li.querySelectorAll('.snippet span')].map(s => [s.textContent, s.title, s.className])])", which)
        assert [at for at, _ in found] == [place["at"] for place in unit[which]]
        for (at, spans), place in zip(found, unit[which]):
            assert [text.replace("⏎", "\n") for text, _, _ in spans] == place["words"]
            assert [shown(title) for _, title, _ in spans] == pytest.approx(place["values"], abs=5.1e-4)
            assert [i for i, (_, _, name) in enumerate(spans) if "here" in name] == [at - place["begin"]]
    assert f"found=0%3A{unit['unit']}" in page.wait("the address", lambda: "found" in page.js("location.hash") and page.js(
        "location.hash"))


def check_like(page, made, first, last):
    said = units(made, "--unit=0", "--places=0", "--like", LINE, f"--span={first}-{last}", "--top=8")["like"]
    page.wait("places", lambda: page.js("Sluice.state.span") == f"{first}-{last}" and [
        list(map(int, pair)) for pair in page.js(
            "[...document.querySelectorAll('#like-places li')].map(li => [li.dataset.first, li.dataset.last])")] == [
        [one["first"], one["last"]] for one in said["places"]])
    assert page.texts("#like-places .small") == [f"{len(one['shared'])} of {len(said['units'])}" for one in said["places"]]
    marked = page.js("[...document.querySelectorAll('#like-places li')].map(li =>"
                     " [...li.querySelectorAll('.alike')].map(s => s.textContent).join(''))")
    assert [text.replace("⏎", "\n") for text in marked] == [
        "".join(one["words"][one["first"] - one["begin"]:one["last"] - one["begin"] + 1]) for one in said["places"]]
    return said


def test_a_span_is_found_again(page, corpus_address, made):
    open_finder(page, corpus_address)
    assert not page.all("#like-places")
    at = LINE.index("go home")
    # By the pointer, from one character to another.
    page.js("document.getElementById(arguments[0]).scrollIntoView({block: 'center'})", f"span-word-{at}")
    from selenium.webdriver.common.action_chains import ActionChains
    chain = ActionChains(page.driver).click_and_hold(page.find(f"#span-word-{at}"))
    chain.move_to_element(page.find(f"#span-word-{at + 1}")).release().perform()
    said = check_like(page, made, at, at + 1)
    assert said["units"] and said["places"]
    assert page.texts(".span-word.chosen") == ["g", "o"]
    # By keys: another character, and Shift extends.
    page.js("document.getElementById(arguments[0]).focus()", f"span-word-{at + 1}")
    page.keys("ARROW_RIGHT")
    check_like(page, made, at + 2, at + 2)
    from selenium.webdriver.common.keys import Keys
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT).key_up(Keys.SHIFT).perform()
    check_like(page, made, at + 2, at + 3)
    assert page.focused() == f"span-word-{at + 3}"
    # Another text has no span yet.
    page.find("#text").send_keys("x")
    page.wait("no span", lambda: not page.all(".span-word.chosen") and not page.all("#like-places"))


def test_without_a_corpus_and_saved_there_is_none(page, serve, made, tmp_path):
    page.open(serve(made[0]), text=LINE)
    assert not page.find("#finder").is_displayed()
    sluice("explain", made[0], LINE, "--html", tmp_path / "saved.html")
    page.open((tmp_path / "saved.html").as_uri())
    assert not page.find("#finder").is_displayed()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_looks(page, corpus_address, axe, width, theme):  # noqa: F811
    page.look(width, theme)
    open_finder(page, corpus_address, span="13-14", spread="0.5")
    page.wait("what was found", lambda: page.all("#like-told"))
    page.click("#found-unit details.numbers summary")
    assert page.js("document.documentElement.scrollWidth") <= width
    seen, faint = page.js(CONTRAST)
    assert faint == [] and seen > 200
    small = page.js("[...document.querySelectorAll('#finder :is(button, select, summary)')]"
                    ".filter(n => n.getClientRects().length && (n.offsetHeight < 24 || n.offsetWidth < 24))"
                    ".map(n => n.outerHTML.slice(0, 80))")
    assert small == []
    assert violations(page, axe) == []
    page.picture(f"finder-{width}-{theme}")
