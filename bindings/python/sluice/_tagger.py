"""A class for each step of a sequence."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from . import _core
from ._arrays import as_array
from ._base import SequenceEstimator, layers_of, scaling_of, seed_of
from ._errors import UsageError
from ._sequences import Rows
from ._waiting import interruptible


class SequenceTagger(SequenceEstimator):
    """Tags every step of sequences, of words or of numbers; an estimator of scikit-learn's kind.

    Parameters
    ----------
    cell : str
        ``"gru"``, ``"gru-reset-after"``, ``"lstm"`` or ``"rnn"``.
    hidden, layers : int
        Units of a layer and direction; recurrent layers.
    direction : str
        ``"both"``, ``"forward"``, ``"backward"`` or ``"sum"``.
    embedding : int
        Numbers that stand for a word.
    dropout, input_dropout : float
        Share of units, and of the embedded words, dropped in training.
    epochs : int, optional
        Passes over the sequences; by default as many as make 6000 updates, from 5 to 500.
    batch, learning_rate, weight_decay, ema_decay, validation_split, threads, random_state
        As those of `SequenceClassifier`.
    min_count : int
        Rarer words are not known: one token stands for all of them.

    Attributes
    ----------
    classes_ : array [classes]
    model_ : Model

    Examples
    --------
    >>> X = [["the", "dog", "barks"], ["a", "cat", "sleeps"]] * 20
    >>> y = [["DET", "NOUN", "VERB"]] * 40
    >>> tagger = sluice.SequenceTagger(hidden=8, embedding=8, epochs=60, random_state=0).fit(X, y)
    >>> [str(tag) for tag in tagger.predict([["the", "cat", "barks"]])[0]]
    ['DET', 'NOUN', 'VERB']
    """

    def __init__(
        self,
        cell: str = "gru",
        *,
        hidden: int = 128,
        layers: int = 1,
        direction: str = "both",
        embedding: int = 128,
        dropout: float = 0.5,
        input_dropout: float = 0.3,
        epochs: int | None = None,
        batch: int = 32,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.01,
        ema_decay: float = 0.99,
        validation_split: float | None = None,
        min_count: int = 1,
        threads: int = 0,
        random_state: Any = None,
    ) -> None:
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.direction = direction
        self.embedding = embedding
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.ema_decay = ema_decay
        self.validation_split = validation_split
        self.min_count = min_count
        self.threads = threads
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags

    @staticmethod
    def _of_words(X: Any) -> bool:
        if isinstance(X, str) or len(X) == 0:
            raise UsageError("X: expected sequences, at least one, found " + ("a text" if len(X) else "none"))
        first = X[0]
        return not isinstance(first, np.ndarray) and len(first) > 0 and isinstance(first[0], str)

    def _tokens(self, X: Any) -> tuple[Any, list[int]]:
        known = {token: number for number, token in enumerate(self.model_.vocabulary)}
        return self._numbered(X, known)

    @staticmethod
    def _numbered(X: Any, known: dict[str, int]) -> tuple[Any, list[int]]:
        starts = [0]
        for i, sentence in enumerate(X):
            if isinstance(sentence, str) or not all(isinstance(word, str) for word in sentence):
                raise UsageError(f"X[{i}]: expected a list of words, found {sentence!r:.60}")
            if not len(sentence):
                raise UsageError(f"X[{i}]: expected at least one word, found none")
            starts.append(starts[-1] + len(sentence))
        tokens = [known.get(word, 0) for sentence in X for word in sentence]
        return np.array(tokens, dtype=np.uint32), starts

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SequenceTagger:
        """Trains the network.

        Parameters
        ----------
        X : list of lists of str, or list of arrays [T_i] or [T_i, channels], or array [n, T, channels]
            Sequences of words or of numbers.
        y : list of sequences [T_i]
            A tag for every step.
        sample_weight : array [n], optional
            How much each sequence counts.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__}: requires y to be passed, but the target y is None")
        words = self._of_words(X)
        network: dict[str, Any] = {
            "stack": layers_of(self.layers, {"cell": self.cell, "units": self.hidden, "direction": self.direction,
                                             "dropout": float(self.dropout)}),
            "head": {"loss": "softmax", "at": "steps"},
        }
        vocabulary, rows = None, None
        if words:
            counts = Counter(word for sentence in X for word in sentence)
            tokens = ["<unk>"] + sorted((word for word, count in counts.items()
                                         if count >= self.min_count and word != "<unk>"),
                                        key=lambda word: (-counts[word], word))
            vocabulary = _core.Vocabulary(tokens, "pretokenized")
            values, starts = self._numbered(X, {token: number for number, token in enumerate(tokens)})
            network |= {"embedding": self.embedding, "input_dropout": float(self.input_dropout)}
        else:
            rows = self._rows(X, fitting=True)
            values, starts = rows.values, rows.starts
            network |= {"inputs": rows.channels, "scaling": scaling_of(rows.values)}
        lengths = np.diff(starts)
        tags = [as_array(one, f"y[{i}]") for i, one in enumerate(y)]
        if [len(one) for one in tags] != lengths.tolist():
            raise UsageError("y: expected a tag for every step of every sequence, found another number of them")
        self.classes_, numbers = np.unique(np.concatenate(tags), return_inverse=True)
        if len(self.classes_) < 2:
            raise UsageError("y: expected 2 classes or more, found 1 class")
        network["outputs"] = len(self.classes_)
        weights = None
        if sample_weight is not None:
            weights = np.repeat(np.asarray(as_array(sample_weight, "sample_weight"), dtype=np.float32), lengths)
        seed = seed_of(self.random_state)
        count = len(lengths)
        training = {
            "optimizer": "adamw",
            "schedule": "cosine",
            "epochs": self.epochs if self.epochs is not None else int(min(500, max(5, 6000 * self.batch / count))),
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "ema_decay": self.ema_decay,
            "validation_split": self.validation_split if self.validation_split is not None
            else (0.0 if count < 500 else 0.05),
            "threads": self.threads,
            "seed": seed,
        }
        sequences = _core.Sequences(values, starts, labels=numbers.astype(np.uint32), weights=weights, per_step=True,
                                    tokens=words)
        model = _core.make_model(network, seed, vocabulary)
        self.model_ = self._fit_model(model, sequences, training)
        return self

    def predict_proba(self, X: Any) -> list[Any]:
        """The probability of each tag at every step: a list of [T_i, classes], in the order of `classes_`."""
        self._check_fitted()
        if self.model_.reads_text:
            self._of_words(X)
            values, starts = self._tokens(X)
        else:
            rows = Rows(X, self.model_._core.inputs)
            values, starts = rows.values, rows.starts
        sequences = _core.Sequences(values, starts, tokens=self.model_.reads_text)
        y = interruptible(lambda: _core.predict(self.model_._core, sequences, 32, self.threads))
        return [y[first:last] for first, last in zip(starts, starts[1:])]

    def predict(self, X: Any) -> list[Any]:
        """The likeliest tag of every step: a list of [T_i]."""
        return [self.classes_[np.argmax(one, axis=1)] for one in self.predict_proba(X)]

    def score(self, X: Any, y: Any) -> float:
        """The share of steps that are tagged right."""
        found = np.concatenate(self.predict(X))
        return float(np.mean(found == np.concatenate([as_array(one, "y") for one in y])))


__all__ = ["SequenceTagger"]
