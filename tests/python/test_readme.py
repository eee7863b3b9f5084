"""What the README tells people to type does what it says, word for word."""

import os
import re
import subprocess

import pytest

from conftest import ROOT, small_text

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHELL = [block for language, block in BLOCKS if language == "sh"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which the README's relative paths mean what they mean in a clone, with a text of one's own."""
    folder = tmp_path_factory.mktemp("readme")
    for name in "build", "include", "scripts":
        (folder / name).symlink_to(ROOT / name)
    lines = small_text().splitlines(keepends=True)
    (folder / "notes.txt").write_text("".join(lines[:200]))
    (folder / "more.txt").write_text("".join(lines[200:]))
    (program,) = [block for language, block in BLOCKS if language == "cpp"]
    (folder / "notes.cc").write_text(program)
    return folder


def type_in(folder, block, **options):
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                            capture_output=True, **options)
    assert result.returncode == 0, f"{block}\n{result.stdout[-3000:]}{result.stderr[-3000:]}"
    return result.stdout


def test_the_demonstration(folder):
    out = type_in(folder, "scripts/demo")
    assert "Indian" in out and "Italian" in out
    # What it saw with many words in between, in the numbers of its table.
    seen = dict(re.findall(r"the (RNN|LSTM|GRU) answers ([\d.]+) % rightly", " ".join(out.split())))
    table = dict(zip(("RNN", "LSTM", "GRU"), re.search(r"^ +80 +(\S+) % +(\S+) % +(\S+) %", out, re.MULTILINE).groups()))
    assert seen == table and float(seen["RNN"]) < float(seen["LSTM"]) < float(seen["GRU"])
    assert "The plain RNN forgets most." in " ".join(out.split()) and "One that the RNN got wrong:" in out
    for word in "RNN", "LSTM", "GRU":
        assert word in out.upper()


def test_the_test_command_is_what_ci_runs():
    assert "scripts/test\n" in SHELL
    assert "exec scripts/test\n" in (ROOT / ".ci/run").read_text()


def test_every_other_command(folder):
    # Scripts have tests of their own: above, and tests/packaging for the installation.
    blocks = [block for block in SHELL if not block.startswith("scripts/")]
    assert len(blocks) >= 2
    for block in blocks:
        assert type_in(folder, block).strip(), f"says nothing:\n{block}"
    assert (folder / "notes.safetensors").exists() and (folder / "characters.safetensors").exists()


def test_what_it_links_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_the_scripts_may_be_run():
    for script in [*(ROOT / "scripts").iterdir(), ROOT / ".ci/run"]:
        assert os.access(script, os.X_OK), script
