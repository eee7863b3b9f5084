"""What the page offers as evidence: nats on lines, quantiles beside means, words in a word's place, scales that fit."""

import re

import pytest
from conftest import CELLS, explained
from test_page import FIRST, SECOND, number


def test_lines_carry_nats_and_are_as_thick(page, address, demo):
    page.open(address, text=SECOND)
    for cell in CELLS:
        said = explained(demo / f"{cell}.safetensors", SECOND)["connectivity"]["leave_one_out"]
        lane = f"#lanes-list .lane[data-cell={cell}]"
        lines = page.js(f"[...document.querySelectorAll('{lane} .arc')].map(n =>"
                        " [Number(n.dataset.at), Number(n.getAttribute('stroke-width'))])")
        assert lines
        for at, width in lines:
            assert width == pytest.approx(1 + min(6, abs(said[at])), abs=0.01)
        labels = page.texts(f"{lane} .arc-label")
        expected = sorted(f"{said[at]:.{2 if abs(said[at]) < 0.1 else 1}f} nats" for at, _ in lines)
        assert sorted(label.replace("−", "-") for label in labels) == expected
        total = sum(map(abs, said))
        assert f"carry {total:.{2 if total < 0.1 else 1}f} nats in all" in page.find(f"{lane} header").text


def test_words_are_replaced_by_likely_words(page, address, demo):
    page.open(address, text=FIRST)
    page.click("label[for=measure-replaced]")
    said = explained(demo / "gru.safetensors", FIRST)["connectivity"]
    shares = page.js("[...document.querySelectorAll('#lanes-list .lane[data-cell=gru] .word')]"
                     ".map(n => Number(n.dataset.share))")
    total = sum(map(abs, said["replaced"]))
    assert shares == pytest.approx([abs(v) / total for v in said["replaced"]], abs=1e-4)
    samosa = said["replacements"][2]
    assert len(samosa) == 4 and "samosa" not in samosa and "<unk>" not in samosa
    assert said["replaced"][2] == max(said["replaced"])


def test_quantiles_stand_beside_means(page, address, demo):
    page.open(address, text=FIRST)
    quantiles = explained(demo / "gru.safetensors", FIRST)["reading"]["layers"][-1]["gates"]["retain"]["quantiles"]
    drawn = page.js("[...document.querySelectorAll('#lanes-list .lane[data-cell=gru] .word .spread')]"
                    ".map(n => [parseFloat(n.style.bottom), parseFloat(n.style.height)])")
    assert len(drawn) == len(quantiles)
    for (bottom, height), q in zip(drawn, quantiles):
        assert bottom == pytest.approx(100 * q[0], abs=0.51) and height == pytest.approx(100 * (q[4] - q[0]), abs=0.51)
    assert re.search(r"the tenth of them that keep most kept \d+ % and more",
                     page.find("#lanes-list .lane[data-cell=gru] .reading").text)
    page.wait("the map", lambda: page.all("#map canvas"))
    assert re.search(r"half-life .* \(quartiles over the words \S+, \S+, \S+\)", page.find("#map-readout").text)


def test_the_scale_of_colours_ends_where_the_values_do(page, address, demo):
    page.open(address, text=SECOND, model=1, gate="memory")
    page.wait("the map", lambda: page.all("#map canvas"))
    track = explained(demo / "lstm.safetensors", SECOND)["reading"]["layers"][-1]["memory"]["values"]
    most = max(abs(value) for row in track for value in row)
    assert most > 1.5
    assert [number(text) for text in re.findall(r"[−\d.]+", page.find("#units .ramp").text)] == [
        pytest.approx(-most, abs=0.051), pytest.approx(most, abs=0.051)]
    page.click("label[for=gate-forget]")
    page.wait("the gate", lambda: page.find("#units .ramp").text.startswith("0"))
    assert "1 forget" in page.find("#units .ramp").text.replace("\n", " ")


def test_every_unit_of_the_map_can_be_reached(page, address):
    """Each unit has its pixels; what has no room is scrolled to, by the keyboard too."""
    page.open(address, text=SECOND, sort="number")
    page.wait("the map", lambda: page.all("#map canvas"))
    tall, units = page.js("[document.querySelector('#map canvas').clientHeight, Sluice.seen.models[2].units]")
    assert tall >= 3 * units
    page.js("(() => { const s = document.querySelector('.map-scroll'); s.style.maxHeight = '200px';"
            " document.getElementById('map').focus(); })()")
    page.keys(*["PAGE_DOWN"] * 8)
    assert f"unit {units - 1}:" in page.find("#map-readout").text
    top = page.js("document.querySelector('.map-scroll').scrollTop")
    assert top > 100
