"""Recurrent networks (RNN, LSTM, GRU) on ordinary processors: train, show, measure and stream.

>>> import sluice
>>> model = sluice.train("notes.txt", cell="gru", level="char", hidden=16, epochs=1, seed=1)
>>> text = model.complete("The ", n=20)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._core import (
    Evaluation,
    Report,
    State,
    Stream,
    StreamBatch,
    __version__,
    get_num_threads,
    set_num_threads,
)
from ._errors import DivergedError, Error, FailedError, FileError, Interrupted, OutOfMemory, UsageError
from ._explain import Explanation, explain
from ._model import Model, import_model, load
from ._train import train

if TYPE_CHECKING:
    from . import nn as nn
    from . import torch as torch
    from ._classifier import SequenceClassifier as SequenceClassifier
    from ._detector import AnomalyDetector as AnomalyDetector
    from ._forecaster import ForecastErrors as ForecastErrors
    from ._forecaster import ForecastEvaluation as ForecastEvaluation
    from ._forecaster import Forecaster as Forecaster
    from ._language import LanguageModel as LanguageModel
    from ._tagger import SequenceTagger as SequenceTagger

# Read where they are first used, so that `import sluice` takes no time for them.
_LATER = {
    "AnomalyDetector": "_detector",
    "ForecastErrors": "_forecaster",
    "ForecastEvaluation": "_forecaster",
    "Forecaster": "_forecaster",
    "LanguageModel": "_language",
    "SequenceClassifier": "_classifier",
    "SequenceTagger": "_tagger",
    "nn": None,
    "torch": None,
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'sluice' has no attribute {name!r}")
    import importlib

    found = _LATER[name]
    if found is None:
        return importlib.import_module(f"sluice.{name}")
    value = getattr(importlib.import_module(f"sluice.{found}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "AnomalyDetector",
    "DivergedError",
    "Error",
    "Evaluation",
    "Explanation",
    "FailedError",
    "FileError",
    "ForecastErrors",
    "ForecastEvaluation",
    "Forecaster",
    "Interrupted",
    "LanguageModel",
    "Model",
    "OutOfMemory",
    "Report",
    "SequenceClassifier",
    "SequenceTagger",
    "State",
    "Stream",
    "StreamBatch",
    "UsageError",
    "__version__",
    "explain",
    "get_num_threads",
    "import_model",
    "load",
    "nn",
    "set_num_threads",
    "torch",
    "train",
]
