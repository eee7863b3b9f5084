"""Sequences as people have them, as the rows of one buffer that the library reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from ._arrays import FloatArray, floats
from ._errors import UsageError


def is_listed(X: Any) -> bool:
    """Whether these are sequences in a list, and not one array; a list of [T] of one length is an array [n, T]."""
    if isinstance(X, np.ndarray):
        return X.dtype.kind == "O" and X.ndim == 1
    if not isinstance(X, (list, tuple)) or not X or not hasattr(X[0], "__len__") or isinstance(X[0], str):
        return False
    return len({len(one) for one in X}) > 1 or np.ndim(X[0]) != 1


def _starts(lengths: list[int]) -> list[int]:
    starts: list[int] = np.concatenate(([0], np.cumsum(lengths))).tolist()
    return starts


class Rows:
    """Sequences one after another: `values` [steps, channels], `starts` [n + 1].

    Taken are an array [n, T] of one channel, [n, T, C], and lists of [T_i] or [T_i, C].
    """

    def __init__(self, X: Any, channels: int | None = None, name: str = "X") -> None:
        self.listed = is_listed(X)
        if self.listed:
            parts = [self._one(one, f"{name}[{i}]", channels) for i, one in enumerate(X)]
            widths = {part.shape[1] for part in parts}
            if len(widths) > 1:
                raise UsageError(f"{name}: expected as many channels in every sequence, found {sorted(widths)}")
            lengths = [part.shape[0] for part in parts]
            self.values: Any = np.concatenate(parts) if len(parts) > 1 else parts[0]
        else:
            array = floats(X, name)
            if array.ndim == 2:
                n, steps = array.shape
                if channels is not None and channels > 1 and steps % channels == 0:
                    raise UsageError(f"{name}: expected [n, T, {channels}], found [{n}, {steps}]")
                array = array.reshape(n, steps, 1)
            if array.ndim != 3:
                raise UsageError(f"{name}: expected [n, T], [n, T, channels] or a list, found {array.ndim} dimensions")
            lengths = [array.shape[1]] * array.shape[0]
            self.values = array.reshape(-1, array.shape[2])
        if not lengths:
            raise UsageError(f"{name}: expected at least one sequence, found none")
        if min(lengths) == 0:
            raise UsageError(f"{name}: expected at least one step in every sequence, found one without any")
        if channels is not None and self.values.shape[1] != channels:
            raise UsageError(f"{name}: expected {channels} channels, found {self.values.shape[1]}")
        self.starts = _starts(lengths)

    @staticmethod
    def _one(one: Any, name: str, channels: int | None) -> FloatArray:
        array = floats(one, name)
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim != 2:
            raise UsageError(f"{name}: expected [T] or [T, channels], found {array.ndim} dimensions")
        return array

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def channels(self) -> int:
        return int(self.values.shape[1])

    def sequences(self, **labels: Any) -> _core.Sequences:
        """As the library has them, with labels or targets."""
        return _core.Sequences(self.values, self.starts, tokens=self.values.dtype == np.uint32, **labels)

    def predict(self, model: _core.Model, batch: int = 32, threads: int = 0) -> Any:
        """[n, outputs] of a model that predicts for whole sequences; else [n, T, outputs] or a list."""
        sequences = self.sequences()
        y = _core.predict(model, sequences, batch, threads)
        if model.config["head"]["at"] != "steps":
            return y
        if self.listed:
            return [y[first:last] for first, last in zip(self.starts, self.starts[1:])]
        return y.reshape(len(self), -1, y.shape[1])


class Words(Rows):
    """Sentences as lists of words, which `vocabulary` and `alphabet` make numbers of: those of a model that was trained."""

    vocabulary: _core.Vocabulary
    alphabet: str | None = None  # of a network that spells its words

    def __init__(self, X: Any, model: _core.Model | None = None) -> None:
        for i, sentence in enumerate(X):
            if isinstance(sentence, str) or not all(isinstance(word, str) for word in sentence):
                raise UsageError(f"X[{i}]: expected a list of words, found {sentence!r:.60}")
            if not len(sentence):
                raise UsageError(f"X[{i}]: expected at least one word, found none")
            if not all(sentence):
                raise UsageError(f"X[{i}]: expected words of one character or more, found an empty one")
        self.listed = True
        self.words = [str(word) for sentence in X for word in sentence]
        self.starts = _starts([len(sentence) for sentence in X])
        if model is not None:
            self.vocabulary = model.vocabulary
            self.alphabet = _core.alphabet_of(model) if "spelling" in model.config else None

    def sequences(self, labels: Any = None, weights: Any = None, per_step: bool = True) -> _core.Sequences:
        """As the library has them, with a label for every word."""
        return _core.sentences(self.words, self.starts, self.vocabulary, self.alphabet, labels, weights)


__all__ = ["Rows", "Words", "is_listed"]
