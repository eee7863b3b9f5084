"""The floors of the house: an #include only ever goes down (HACKING.md has the map)."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# For each room, the rooms it may look into. Every room sees itself.
ROOMS = {
    "base": set(),
    "cells": {"base"},
    "kernels": {"base", "cells"},
    "heads": {"base", "kernels"},
    "model": {"base", "cells", "kernels", "heads"},
    "data": {"base", "cells", "kernels"},
    "train": {"base", "cells", "kernels", "model", "data"},
    "formats": {"base", "cells", "kernels", "model", "data"},
    "explain": {"base", "cells", "kernels", "model", "data"},
    "tasks": {"base", "cells", "kernels", "model", "data"},
}
# The room that a public header is the face of.
FACES = {
    "error.h": "base",
    "export.h": "base",
    "standard.h": "base",
    "config.h": "base",
    "cell.h": "cells",
    "data.h": "data",
    "series.h": "data",
    "sequences.h": "data",
    "model.h": "model",
    "stream.h": "model",
    "train.h": "train",
    "train_options.h": "train",
    "forecast.h": "tasks",
    "fine_tune.h": "train",
    "formats.h": "formats",
    "import.h": "formats",
    "explain.h": "explain",
    "units.h": "explain",
}
# A model carries the vocabulary that gives its numbers a meaning, so model sees the face of data (and only the face).
# A task trains, evaluates and predicts, which are functions of the face of training.
FACES_ALSO_SEEN = {"model": {"data"}, "tasks": {"train"}}
HIGHWAY_ROOMS = {"cells", "kernels"}
# The door for C: its header is no part of C++'s sluice.h, and has C's own standard headers.
C_HEADER = "c.h"


def includes(file):
    return [(match[1], match[2]) for match in INCLUDE.finditer(file.read_text())]


def sources(folder):
    return sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in {".h", ".cc"})


DOORS = [file for folder in ("tools", "lessons", "bindings", "fuzz", "bench") for file in sources(folder)]


def name(path):
    return str(path.relative_to(ROOT))


def may_see_face(room, header):
    face = FACES.get(header)
    return face is not None and face in ROOMS[room] | {room} | FACES_ALSO_SEEN.get(room, set())


@pytest.mark.parametrize("file", sources("src"), ids=name)
def test_a_room_looks_only_down(file):
    room = file.relative_to(ROOT / "src").parts[0]
    assert room in ROOMS, f"{name(file)}: {room} is no room of the house"
    for kind, included in includes(file):
        first, _, rest = included.partition("/")
        if first == "hwy":
            assert room in HIGHWAY_ROOMS, f"{name(file)}: Highway lives only in {sorted(HIGHWAY_ROOMS)}"
        elif first == "sluice":
            assert may_see_face(room, rest), f"{name(file)}: {room} may not see <{included}>"
        elif kind == '"':
            assert rest, f'{name(file)}: write the room in front of "{included}"'
            assert first in ROOMS[room] | {room}, f'{name(file)}: {room} may not look into {first} ("{included}")'


@pytest.mark.parametrize("file", sources("include"), ids=name)
def test_a_public_header_needs_only_the_standard_library_and_sluice(file):
    own = FACES.get(file.name)
    for kind, included in includes(file):
        if file.name == C_HEADER:
            assert (kind, included) in {("<", "stddef.h"), ("<", "stdint.h"), ('"', "sluice/export.h")}, name(file)
        elif kind == "<":
            assert "/" not in included and not included.endswith(".h"), f"{name(file)}: <{included}> is not standard"
        else:
            assert included.startswith("sluice/"), f'{name(file)}: "{included}" is not public'
            if file.name != "sluice.h":
                assert own, f"{name(file)}: add it to FACES in this test"
                assert may_see_face(own, included.removeprefix("sluice/")), f'{name(file)}: "{included}" is not below'


@pytest.mark.parametrize("file", sources("include"), ids=name)
def test_a_public_header_compiles_alone(file, tmp_path):
    unit = tmp_path / "alone.cc"
    unit.write_text(f'#include "sluice/{file.name}"\n#include "sluice/{file.name}"\n')
    command = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Wconversion",
               "-Wno-sign-conversion", "-Werror", f"-I{ROOT / 'include'}", str(unit)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("file", sources("include"), ids=name)
def test_what_a_public_header_declares_is_exported(file):
    for line in file.read_text().splitlines():
        if re.match(r"(inline|template|using|return|static_assert)\b", line):
            continue
        function = re.match(r"[A-Za-z_][\w:<>,&* ]* [*&]?\w+\(", line)
        if function or re.match(r"class \w+( final)?( :.*)? {", line):
            assert "SLUICE_API " in line, f"{name(file)}: a shared library hides this: {line}"


def test_sluice_h_is_all_of_it():
    every = {f"sluice/{file.name}" for file in sources("include")} - {
        "sluice/sluice.h", "sluice/export.h", "sluice/standard.h", "sluice/train_options.h", f"sluice/{C_HEADER}"}
    assert {included for _, included in includes(ROOT / "include/sluice/sluice.h")} == every


@pytest.mark.parametrize("file", DOORS, ids=name)
def test_highway_stays_inside(file):
    assert not [included for _, included in includes(file) if included.startswith("hwy/")]


@pytest.mark.parametrize("file", sources("lessons"), ids=name)
def test_lessons_look_into_the_house_alone(file):
    for kind, included in includes(file):
        first = included.partition("/")[0]
        assert kind == "<" or first in ROOMS or first in {"sluice", "lessons"}, f'{name(file)}: "{included}" is above'


@pytest.mark.parametrize("file", sources("include"), ids=name)
def test_a_public_header_shows_no_network(file):
    assert not re.search(r"\bNetwork\b[&*]|\bnetwork\(", file.read_text()), f"{name(file)}: see src/model/model_access.h"


@pytest.mark.parametrize("file", sources("bindings/c") + sources("examples"), ids=name)
def test_a_binding_or_example_sees_only_what_is_public(file):
    for _, included in includes(file):
        assert "/" not in included or included.startswith("sluice/"), f'{name(file)}: "{included}" is not public'


# Python's layers are those that networks are made of, and its options those of the library's lists.
@pytest.mark.parametrize("file", sources("tools") + sources("lessons") + sources("bindings/python"), ids=name)
def test_the_doors_leave_cells_and_kernels_alone(file):
    for kind, included in includes(file):
        first = included.partition("/")[0]
        assert first not in HIGHWAY_ROOMS, f'{name(file)}: "{included}" is for the rooms inside'
