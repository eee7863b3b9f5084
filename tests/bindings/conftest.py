"""What the tests of the package for Python share: a text, small models, the command that the wheel brings."""

import pathlib
import shutil
import signal
import sys

import numpy as np
import pytest

import sluice

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from texts import small_text  # noqa: E402

# Programs that a shell starts in the background have Ctrl-C ignored, and tests that send it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

TINY = {"hidden": 16, "epochs": 2, "batch": 4, "steps": 8, "threads": 1, "progress": False}


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(small_text())
    return path


@pytest.fixture(scope="session")
def model():
    """A model of words."""
    return sluice.train(text=small_text(), seed=1, **TINY)


def numbers_core(inputs=3, outputs=2, hidden=8, **more):
    return sluice._core.make_model({"inputs": inputs, "outputs": outputs, "hidden": hidden, **more}, 1)


@pytest.fixture(scope="session")
def numbers_model():
    """A model on numbers with fresh weights."""
    return sluice.Model(numbers_core())


@pytest.fixture(scope="session")
def command():
    """The command that came with the package."""
    found = shutil.which("sluice", path=str(pathlib.Path(sys.executable).parent))
    if found is None:
        pytest.skip("the package was not installed from a wheel, so there is no command beside it")
    return found


def waves(count=60, steps=40, seed=0, noise=0.1):
    """Sequences of two classes that anybody can tell apart."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 2
    phase = rng.uniform(0, 6, count)
    X = np.sin(np.arange(steps) * np.where(y, 0.3, 0.6)[:, None] + phase[:, None])
    return X + rng.normal(0, noise, X.shape), y
