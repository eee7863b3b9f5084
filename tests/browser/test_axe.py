"""Accessibility as axe-core sees it, which the PyPI package axe-core-python carries along."""

import importlib.util
import pathlib

import pytest
from test_page import FIRST, SECOND
from test_training import synthetic


@pytest.fixture(scope="module")
def axe():
    found = importlib.util.find_spec("axe_core_python")
    if found is None:
        pytest.skip("axe-core is not installed (axe-core-python from PyPI)")
    return (pathlib.Path(found.origin).parent / "axe.min.js").read_text()


def violations(page, axe):
    page.driver.execute_script(axe)
    found = page.driver.execute_async_script(
        "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then(r => done(r.violations), e => done(String(e)))")
    return [(one["id"], one["help"], [node["html"][:100] for node in one["nodes"][:3]]) for one in found]


@pytest.mark.parametrize("width, theme", [(360, "dark"), (1280, "light"), (1280, "dark")])
def test_the_live_page(page, address, axe, width, theme):
    page.look(width, theme)
    page.open(address, text=SECOND, edits='[{"kind":"replace","at":2,"with":"sushi"}]')
    page.wait("an answer", lambda: page.answers("#what-if-answer").get("gru"))
    page.wait("the map", lambda: page.all("#map canvas"))
    page.click("#what-if details.numbers summary")
    page.click("#lanes details.numbers summary")
    assert violations(page, axe) == []


def test_the_saved_page_and_a_notice(page, demo, address, axe):
    page.open((demo / "demo.html").as_uri())
    page.wait("the curves", lambda: page.all("#accuracy .line"))
    assert violations(page, axe) == []
    page.open(address, text=FIRST)
    page.offline(True)
    try:
        page.find("#text").send_keys(" a")
        page.wait("a notice", lambda: page.find("#notice").text)
        assert violations(page, axe) == []
    finally:
        page.offline(False)
    page.complaints()


@pytest.mark.parametrize("width, theme", [(360, "dark"), (1280, "light")])
def test_the_page_of_a_training(page, serve, axe, tmp_path, width, theme):
    log = tmp_path / "log"
    log.write_text("".join(synthetic(200)) + "rubbish\n" + '{"kind": "warning", "update": 3, "message": "a word"}\n')
    page.look(width, theme)
    page.open(serve("--watch", log))
    page.wait("a notice and the curves", lambda: page.find("#notice").text and page.all("#speed-chart .line"))
    page.click("#loss details.numbers summary")
    assert page.find("#messages").is_displayed()
    assert violations(page, axe) == []
