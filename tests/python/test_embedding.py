"""What docs/embedding.md shows compiles, links as it says, and runs."""

import os
import re
import subprocess

import pytest

from conftest import ROOT, TINY, sluice

PAGE = (ROOT / "docs/embedding.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELL = [block for language, block in BLOCKS if language == "sh"]
WARNINGS = ["-Wall", "-Wextra", "-Werror"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, text):
    """A folder with the page's sources and a model, and Sluice installed beside it."""
    folder = tmp_path_factory.mktemp("embedding")
    manifest = ROOT / "build/install_manifest.txt"
    before = manifest.read_bytes() if manifest.exists() else None
    subprocess.run(["cmake", "--install", ROOT / "build", "--prefix", folder / "installed"], check=True,
                   stdout=subprocess.DEVNULL)
    if before is not None:  # what `ninja uninstall` goes by stays what it was
        manifest.write_bytes(before)
    program, states = [block for language, block in BLOCKS if language == "cpp"]
    (in_c,) = [block for language, block in BLOCKS if language == "c"]
    (folder / "next.cc").write_text(program)
    (folder / "states.cc").write_text(states)
    (folder / "next.c").write_text(in_c)
    sluice("train", text, "-o", folder / "notes.safetensors", *TINY)
    return folder


def type_in(folder, command):
    (packages,) = (folder / "installed").rglob("pkgconfig")
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, text=True,
                            capture_output=True, env={**os.environ, "PKG_CONFIG_PATH": str(packages),
                                                      "LD_LIBRARY_PATH": str(packages.parent)})
    assert result.returncode == 0, f"{command}\n{result.stdout[-3000:]}{result.stderr[-3000:]}"
    return result.stdout


def test_the_programs(folder):
    for block in SHELL[1:]:
        out = type_in(folder, block)
        assert len(out.splitlines()) == 3 and all(0 < float(line.split()[0]) <= 1 for line in out.splitlines()), out


def test_the_lines_on_states(folder):
    type_in(folder, "g++ -std=c++20 -c states.cc $(pkg-config --cflags sluice) " + " ".join(WARNINGS))


def test_the_sources_have_no_warnings(folder):
    type_in(folder, "g++ -std=c++20 -fsyntax-only next.cc $(pkg-config --cflags sluice) " + " ".join(WARNINGS))
    type_in(folder, "gcc -std=c99 -pedantic -fsyntax-only next.c $(pkg-config --cflags sluice) " + " ".join(WARNINGS))


def test_the_installation():
    """The commands are not run, which would take minutes; what they name is there."""
    block = SHELL[0]
    packages = re.search(r"apt install (.*)", block)[1].split()
    needed = re.search(r"^packages=\((.*?)\)", (ROOT / "scripts/build").read_text(), re.DOTALL | re.MULTILINE)[1]
    assert set(packages) <= set(needed.split())
    listed = subprocess.run(["cmake", "--list-presets"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    presets = re.findall(r"--preset (\w+)", block)
    assert presets and all(f'"{preset}"' in listed and f"build/preset/{preset} " in block for preset in presets)


def test_without_an_argument_they_say_what_they_expect(folder):
    for program in "next", "next_c":
        result = subprocess.run([folder / program], capture_output=True, text=True, env={
            **os.environ, "LD_LIBRARY_PATH": str(next((folder / "installed").rglob("pkgconfig")).parent)})
        assert result.returncode == 2 and result.stderr == f"expected: {program} MODEL\n"


def test_what_it_links_to_and_names_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert "://" in target or (ROOT / "docs" / target).exists(), target
    assert {path.name for path in (ROOT / "examples").glob("*.cc")} == set(re.findall(r"examples/(\w+\.cc)", PAGE))


def test_the_size_is_what_is_measured():
    size = int(re.search(r"([\d,]+) bytes, without the C and C\+\+ runtimes", PAGE)[1].replace(",", ""))
    out = subprocess.run([ROOT / "scripts/embedded-size"], check=True, capture_output=True, text=True).stdout
    measured = int(re.match(r" *(\d+) bytes: the program", out)[1])
    # Another compiler's point release may move it a little.
    assert size == pytest.approx(measured, rel=0.05)
