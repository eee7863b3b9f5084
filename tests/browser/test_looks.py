"""What the eye and the screen reader need: contrast as the browser really painted it, widths, names and headings."""

import pathlib

import pytest
from test_page import FIRST

CONTRAST = (pathlib.Path(__file__).parent / "contrast.js").read_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_every_width_and_theme(page, address, width, theme):
    page.look(width, theme)
    page.open(address, text=FIRST, edits='[{"kind":"replace","at":2,"with":"sushi"}]')
    page.wait("an answer", lambda: page.answers("#what-if-answer").get("gru"))
    page.wait("the map", lambda: page.all("#map canvas"))
    page.wait("the curves", lambda: page.all("#trace .line"))
    assert page.js("document.documentElement.dataset.theme") == theme
    assert page.js("document.documentElement.scrollWidth") <= width
    seen, faint = page.js(CONTRAST)
    assert faint == [] and seen > 200
    small = page.js("[...document.querySelectorAll("
                    "'button, select, input:not([type=radio]), summary, .segments label')]"
                    ".filter(n => n.getClientRects().length && (n.offsetHeight < 24 || n.offsetWidth < 24))"
                    ".map(n => n.outerHTML.slice(0, 80))")
    assert small == []
    page.picture(f"page-{width}-{theme}")


def test_the_theme_can_be_switched_and_is_kept(page, address):
    page.open(address)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.js(ground)
    page.click("#theme")
    assert page.js(ground) != light
    page.open(address + "?again")
    assert page.js("document.documentElement.dataset.theme") == "dark"
    page.click("#theme")
    assert page.js(ground) == light
    page.js("localStorage.clear()")


def test_names_landmarks_and_headings(page, address):
    page.open(address, text=FIRST)
    page.wait("the map", lambda: page.all("#map canvas"))
    nameless = page.js("""[...document.querySelectorAll(
        'button, input, select, textarea, [role=application], figure, section, article')]
      .filter(n => n.getClientRects().length && !(n.labels && n.labels.length) && !n.getAttribute('aria-label'))
      .filter(n => !n.textContent.trim() && !document.getElementById(n.getAttribute('aria-labelledby')))
      .map(n => n.outerHTML.slice(0, 80))""")
    assert nameless == []
    ids = page.js("[...document.querySelectorAll('[id]')].map(n => n.id)")
    assert len(ids) == len(set(ids))
    for attribute in ("aria-labelledby", "aria-describedby", "for"):
        named = page.js(f"[...document.querySelectorAll('[{attribute}]')].map(n => n.getAttribute('{attribute}'))")
        assert set(named) <= set(ids), attribute
    headings = page.js("[...document.querySelectorAll('h1, h2, h3, h4')].filter(n => n.getClientRects().length)"
                       ".map(n => n.tagName)")
    levels = [int(tag[1]) for tag in headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    assert page.js("document.querySelectorAll('main').length") == 1 and page.js("document.documentElement.lang") == "en"
    assert page.js("document.getElementById('told').getAttribute('aria-live')") == "polite"


def test_nothing_moves_for_whoever_asked_for_that(page, address):
    page.open(address, text=FIRST)
    assert page.js("getComputedStyle(document.querySelector('.water')).transitionDuration") == "0s"
