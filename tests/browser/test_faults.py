"""Faults that stood in the page once, each with the test that found it again."""

import base64
import re

import pytest
from conftest import sluice
from test_page import FIRST, SECOND

SAMOSA_TO_SUSHI = '[{"kind":"replace","at":2,"with":"sushi"}]'


# Figure by figure: each text of the picture, and where its first letter stands on the page.
TEXTS = """(() => {
  const figure = document.getElementById(arguments[0]), origin = figure.getBoundingClientRect();
  const picture = new DOMParser().parseFromString(Sluice.asSvg(figure).text, 'image/svg+xml');
  const places = [];
  const walker = document.createTreeWalker(figure, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walker.nextNode()) {
    const text = walker.currentNode.data, first = text.search(/\\S/);
    if (first < 0 || walker.currentNode.parentElement.closest('svg')) continue;
    range.setStart(walker.currentNode, first), range.setEnd(walker.currentNode, first + 1);
    const box = range.getBoundingClientRect();
    if (box.width) places.push([text.trim().split(/\\s/)[0], box.left - origin.left]);
  }
  const drawn = [...picture.querySelectorAll('text')].filter(t => t.hasAttribute('dominant-baseline'))
    .map(t => [t.textContent.split(' ')[0], Number(t.getAttribute('x'))]);
  return [places, drawn]; })()"""


@pytest.mark.parametrize("figure", ["lanes-figure", "story-figure"])
def test_a_picture_keeps_the_spaces_between_words(page, address, figure):
    page.open(address, text=FIRST)
    places, drawn = page.js(TEXTS, figure)
    assert len(places) > 30
    for text, left in places:
        assert any(said == text and abs(x - left) < 0.1 for said, x in drawn), (text, left)


def test_a_picture_keeps_the_hatching(page, address):
    """The water of a plain RNN is striped in the PNG as on the screen, in both themes."""
    for theme in ("light", "dark"):
        page.look(1280, theme)
        page.open(address, text=FIRST)
        page.wait("water", lambda: page.all(".water.use"))
        colours = page.driver.execute_async_script("""const done = arguments[0], scale = 2;
          const figure = document.getElementById('lanes-figure'), origin = figure.getBoundingClientRect();
          const water = [...figure.querySelectorAll('.sentence .water.use')].map(w => w.getBoundingClientRect())
            .find(b => b.width > 30 && b.height > 8);
          Sluice.asPng(figure).then(createImageBitmap).then(image => {
            const by = image.width / (Math.ceil(origin.width) + 32);
            const canvas = Object.assign(document.createElement('canvas'), {width: image.width, height: image.height});
            const pen = canvas.getContext('2d');
            pen.drawImage(image, 0, 0);
            const x = (water.left - origin.left + 16 + 2) * by, y = (water.bottom - origin.top + 16 - 3) * by;
            const row = pen.getImageData(x, y, 24 * by, 1).data, light = [];
            for (let i = 0; i < row.length; i += 4) light.push(row[i] + row[i + 1] + row[i + 2]);
            let turns = 0;
            const middle = (Math.max(...light) + Math.min(...light)) / 2;
            for (let i = 1; i < light.length; ++i) turns += (light[i] > middle) !== (light[i - 1] > middle);
            done([Math.max(...light) - Math.min(...light), turns]);
          }).catch(error => done([String(error), 0]));""")
        assert colours[0] > 12 and colours[1] >= 4, (theme, colours)


def test_pictures_have_their_legend(page, address):
    page.open(address, text=FIRST)
    page.wait("the map", lambda: page.all("#map canvas"))
    for figure, legend in (("lanes-figure", "water level"), ("story-figure", "how much of the past it kept")):
        assert legend in page.js("Sluice.asSvg(document.getElementById(arguments[0])).text", figure)
    scale = page.texts("#units .ramp")[0].strip()
    assert scale and page.js("Sluice.asSvg(document.querySelector('#units figure')).text.includes('linearGradient')")


OVERLAPS = """(() => {
  const found = [];
  for (const holder of document.querySelectorAll(arguments[0])) {
    const boxes = [...holder.querySelectorAll(arguments[1])].map(n => [n.textContent, n.getBoundingClientRect()]);
    boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
      if (p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 2 && q.top < p.bottom - 2) found.push([a, b]);
    }));
  }
  return found; })()"""


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_labels_of_lines_do_not_collide(page, address, width):
    page.look(width, "light")
    for text in (SECOND, "Dhaval eats samosa samosa samosa pasta is", "a of a of to"):
        for measure in ("without", "signed", "norm"):
            page.open(address, text=text, measure=measure)
            page.wait("lines", lambda: page.all(".arc-label"))
            assert page.js(OVERLAPS, ".sentence", ".arc-label") == []
            assert page.js(OVERLAPS, ".curve", ".name") == []


def test_a_cell_keeps_its_style_alone_or_beside_others(page, demo, tmp_path):
    def styles():
        return page.js("Object.fromEntries([...document.querySelectorAll('#trace .name')].map(n =>"
                       " [n.textContent.split(',')[0], n.getAttribute('class')]))")
    page.open((demo / "demo.html").as_uri())
    page.wait("the curves", lambda: page.all("#trace .name"))
    together = styles()
    assert len(set(together.values())) == 3
    for cell in ("rnn", "lstm", "gru"):
        file = tmp_path / f"{cell}.html"
        sluice("explain", demo / f"{cell}.safetensors", FIRST, "--html", file)
        page.open(file.as_uri())
        page.wait("the curves", lambda: page.all("#trace .name"))
        assert styles() == {cell.upper(): together[cell.upper()]}


def test_one_key_does_not_take_the_what_ifs_away(page, address):
    edits = ('[{"kind":"replace","at":2,"with":"sushi"},{"kind":"delete","at":4},'
             '{"kind":"hold","gate":"keep","value":1,"first":3,"last":8,"units":"all"}]')
    page.open(address, text="Dhaval eats samosa almost everyday , it is hard to guess that", edits=edits)
    page.find("#text").send_keys(" his")
    page.wait_whole()
    assert len(page.all(".edits li")) == 3
    # A word before them moves them; the word that is itself changed takes its own away.
    page.js("(f => { f.value = 'So ' + f.value; f.dispatchEvent(new Event('input')); })(document.getElementById('text'))")
    page.wait_whole()
    said = page.texts(".edits li span")
    assert said[0].startswith("samosa read as sushi") and said[1].startswith("everyday left out")
    assert "from almost to hard" in said[2]
    page.js("(f => { f.value = f.value.replace('samosa', 'pasta'); f.dispatchEvent(new Event('input')); })"
            "(document.getElementById('text'))")
    page.wait_whole()
    said = page.texts(".edits li span")
    assert len(said) == 2 and said[0].startswith("everyday left out")


def test_on_paper_no_line_lies_over_a_word(page, address):
    """The paper's layout, as the browser prints it: what was drawn before printing must fit it."""
    page.open(address, text=SECOND, edits=SAMOSA_TO_SUSHI)
    page.wait("an answer", lambda: page.answers("#what-if-answer").get("gru"))
    page.wait("the curves", lambda: page.all("#trace .line"))
    on_screen = page.js("document.querySelector('#lanes-list .sentence').offsetWidth")
    page.js("dispatchEvent(new Event('beforeprint'))")
    prepared = page.js("document.querySelector('#lanes-list .sentence').offsetWidth")
    assert prepared < on_screen
    try:
        page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 688, "height": 1000, "deviceScaleFactor": 1, "mobile": False})  # A4 less its margins
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        assert page.js("document.querySelector('#lanes-list .sentence').offsetWidth") == prepared
        assert page.js("document.querySelectorAll('.arc').length") > 3
        assert page.crossings() == []
        assert page.js("document.documentElement.scrollWidth") <= 688
        assert page.js("[...document.querySelectorAll('.curve svg, .map canvas')].every(n => n.clientWidth <= 680)")
        page.picture("print")
    finally:
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        page.js("dispatchEvent(new Event('afterprint'))")
    printed = base64.b64decode(page.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert printed.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", printed)) >= 3
    (page.pictures / "print.pdf").write_bytes(printed)
