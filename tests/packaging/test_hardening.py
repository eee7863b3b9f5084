"""What a release build does against faults of memory (cmake/hardening.cmake), read from the ELF files in build/."""

import pathlib
import platform
import re
import subprocess

import pytest

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"
PROGRAMS = ["sluice", "libsluice.so", "libsluice_inference.so"]


def readelf(file, *options):
    return subprocess.run(["readelf", "-W", *options, BUILD / file], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("file", PROGRAMS)
def test_relocations_are_read_only_when_it_starts(file):
    assert "GNU_RELRO" in readelf(file, "--segments")
    assert re.search(r"\(FLAGS\).*BIND_NOW|\(BIND_NOW\)", readelf(file, "--dynamic"))


@pytest.mark.parametrize("file", PROGRAMS)
def test_stacks_and_buffers_are_checked(file):
    symbols = set(re.findall(r"\b(__\w+_chk|__stack_chk_fail)\b", readelf(file, "--dyn-syms")))
    assert "__stack_chk_fail" in symbols
    assert any(name.endswith("_chk") for name in symbols), "calls of the C library that know the size of what they fill"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the marks of x86-64")
@pytest.mark.parametrize("file", ["libsluice.a", "libsluice_inference.a"])
def test_places_to_jump_to_are_marked(file):
    """In every object of ours. A linked program has the mark where the C runtime's own objects have it, too, which
    Debian 12's have not."""
    objects = len(subprocess.run(["ar", "t", BUILD / file], check=True, capture_output=True, text=True).stdout.split())
    assert objects > 30
    assert readelf(file, "--notes").count("x86 feature: IBT, SHSTK") == objects
