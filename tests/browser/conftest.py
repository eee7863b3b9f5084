"""A real browser on the page: Debian's chromium, driven by selenium. Whatever is missing for that, the tests skip with
a word. Screenshots go to build/browser/, to be looked at."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from driver import Browser, missing  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("SLUICE_COMMAND", str(ROOT / "build/sluice"))
CELLS = ["rnn", "lstm", "gru"]
# Tokens that a page must show and never obey, or lay out its neighbours by.
HOSTILE = ["<script>alert(1)</script>", "<img/src=x/onerror=alert(2)>", "</script><script>alert(3)</script>",
           "&lt;b&gt;", "\"'`onmouseover=alert(4)", "javascript:alert(5)", "\u202eesrever",
           "a\u0301\u0301\u0301\u0301", "{{7*7}}", "x" * 120]


def sluice(*arguments):
    return subprocess.run([COMMAND, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True, timeout=600).stdout


def refusal(*arguments):
    """What it says when it refuses."""
    return subprocess.run([COMMAND, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False, timeout=60).stderr


def pytest_collection_modifyitems(items):
    reason = missing()
    for item in items if reason else []:
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The models of the demonstration, trained as the demonstration trains them, and its page. SLUICE_DEMO names a
    folder where they are already."""
    ready = os.environ.get("SLUICE_DEMO")
    folder = pathlib.Path(ready) if ready else tmp_path_factory.mktemp("demo")
    if not ready:
        sluice("demo", "-q", "-o", folder, "--html", folder / "demo.html")
    return folder


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """A model whose vocabulary is made of what breaks pages."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "text.txt").write_text("\n".join(" ".join(HOSTILE) for _ in range(60)) + "\n")
    sluice("train", folder / "text.txt", "-o", folder / "<b>hostile.safetensors", "--pretokenized", "--hidden=16",
           "--epochs=2", "--batch=4", "--steps=8", "--threads=1")
    return folder / "<b>hostile.safetensors"


@pytest.fixture(scope="session")
def serve():
    """serve(models...): the address of a running sluice serve."""
    running = []

    def start(*models):
        process = subprocess.Popen([COMMAND, "serve", *map(str, models), "--port", "0", "--quiet"], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        running.append(process)
        return process.stdout.readline().strip()

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(20)


@pytest.fixture(scope="session")
def address(demo, serve):
    return serve(*(demo / f"{cell}.safetensors" for cell in CELLS))


@pytest.fixture(scope="session")
def chromium():
    pictures = ROOT / "build/browser"
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    browser = Browser(pictures)
    yield browser
    browser.quit()


@pytest.fixture
def page(chromium):
    """A browser in its first state; afterwards nothing stands on its console, and it has asked nobody but us."""
    chromium.reset()
    yield chromium
    assert chromium.complaints() == []
    assert chromium.strangers() == []


def explained(model, text, *options):
    """What sluice explain --json says."""
    return json.loads(sluice("explain", model, text, "--json", *options))
