"""The package as it is installed: its tag, its size, what it needs, how soon it is there."""

import importlib.metadata
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

import sluice
from conftest import ROOT

FILES = importlib.metadata.files("sluice") if "sluice" in {
    d.metadata["Name"] for d in importlib.metadata.distributions()} else None


def metadata():
    if FILES is None:
        pytest.skip("the package was not installed from a wheel")
    return importlib.metadata.distribution("sluice")


def test_tag_and_suffix_say_the_same():
    tag = re.search(r"^Tag: (.*)$", metadata().read_text("WHEEL"), re.M)[1]
    assert tag.startswith("cp310-abi3-")
    modules = [file.name for file in FILES if file.suffix == ".so"]
    assert modules == ["_core.abi3.so"]


def test_numpy_and_nanobinds_other_half_are_all_it_needs():
    needs = [need for need in metadata().requires if "extra ==" not in need]
    assert [re.match(r"[\w-]+", need)[0] for need in needs] == ["numpy", "nanobind-backend"]


def test_the_wheel_is_small():
    from os import environ

    wheel = environ.get("SLUICE_WHEEL")
    if wheel is None:
        pytest.skip("SLUICE_WHEEL names no wheel")
    assert pathlib.Path(wheel).stat().st_size < 5e6
    names = zipfile.ZipFile(wheel).namelist()
    assert "sluice/py.typed" in names and "sluice/_core.pyi" in names
    assert [name for name in names if name.endswith(".data/scripts/sluice")]


def test_the_source_distribution_is_complete(tmp_path):
    pytest.importorskip("scikit_build_core", reason="scikit-build-core is not installed")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("this is no clone")
    script = f"from scikit_build_core.build import build_sdist; build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.iterdir()
    names = {name.partition("/")[2] for name in tarfile.open(archive).getnames()}
    there = {name for name in tracked.stdout.splitlines() if (ROOT / name).exists()}
    assert there - names == set()
    assert not [name for name in names if name.startswith("build")]


def test_the_command_comes_along(command):
    assert subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1] == (
        sluice.__version__)


def test_import_is_quick_and_brings_no_more_than_numpy():
    # What NumPy itself takes is not ours.
    script = """if True:
        import time, sys
        import numpy, nanobind_backend
        start = time.perf_counter()
        import sluice
        print(time.perf_counter() - start)
        print([name for name in ("sklearn", "pandas", "torch", "scipy", "IPython") if name in sys.modules])
    """
    least = 1.0
    for _ in range(10):  # of a machine that others use too, the quickest
        run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split("\n")
        least = min(least, float(run[0]))
        assert run[1] == "[]"
        if least < 0.1:
            break
    assert least < 0.1


def test_a_free_threaded_python_keeps_its_lock_off():
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        pytest.skip("this Python has an interpreter lock")
    assert not sys._is_gil_enabled()


def test_names():
    assert set(sluice.__all__) <= set(dir(sluice))
    for name in sluice.__all__:
        if name != "torch":
            assert getattr(sluice, name) is not None
    with pytest.raises(AttributeError):
        sluice.nothing
    assert sluice.UsageError.__mro__[1:3] == (sluice.Error, ValueError)
    assert issubclass(sluice.FileError, OSError) and issubclass(sluice.Interrupted, KeyboardInterrupt)
