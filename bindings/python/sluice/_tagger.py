"""A class for each step of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from ._arrays import as_array, is_sparse
from ._base import ClassEstimator, defaults_of, seed_of
from ._errors import UsageError
from ._sequences import Rows, Words

_DEFAULTS = defaults_of("tag")


class SequenceTagger(ClassEstimator):
    """Tags every step of sequences, of words or of numbers; an estimator of scikit-learn's kind.

    Parameters
    ----------
    cell : str
        Such as ``"gru"`` or ``"lstm"``; `sluice.train` says which there are.
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
    validation_split : float, optional
        Share of the sequences that is kept to find the best weights; by default 0 below 500 sequences, else 0.05.
    batch, learning_rate, weight_decay, ema_decay, threads, random_state
        As those of `SequenceClassifier`.
    min_count : int
        Rarer words are not known: of them the network reads the spelling alone. 0: 2, as the command does.
    spelling_units : int
        Units, of each direction, of the layer that reads the characters of each word; what both directions end with
        stands beside the word's embedding. 0: nothing is spelt, and a rare word becomes a token of its shape and its last
        letters.
    spelling_embedding : int
        Numbers that stand for a character.
    spelling_cell : str
        Of the layer that spells.
    word_dropout : float
        Share of words that training reads by their spelling alone.

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

    _task = "tag"

    def __init__(
        self,
        cell: str = _DEFAULTS["cell"],
        *,
        hidden: int = _DEFAULTS["hidden"],
        layers: int = _DEFAULTS["layers"],
        direction: str = "both",
        embedding: int = _DEFAULTS["embedding"],
        dropout: float = _DEFAULTS["dropout"],
        input_dropout: float = _DEFAULTS["input_dropout"],
        epochs: int | None = None,
        batch: int = _DEFAULTS["batch"],
        learning_rate: float = _DEFAULTS["learning_rate"],
        weight_decay: float = _DEFAULTS["weight_decay"],
        ema_decay: float = _DEFAULTS["ema_decay"],
        validation_split: float | None = None,
        min_count: int = 0,
        spelling_units: int = _DEFAULTS["spelling"]["units"],
        spelling_embedding: int = _DEFAULTS["spelling"]["embedding"],
        spelling_cell: str = _DEFAULTS["spelling"]["cell"],
        word_dropout: float = _DEFAULTS["spelling"]["word_dropout"],
        threads: int = _DEFAULTS["threads"],
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
        self.spelling_units = spelling_units
        self.spelling_embedding = spelling_embedding
        self.spelling_cell = spelling_cell
        self.word_dropout = word_dropout
        self.threads = threads
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags

    def _of_words(self, X: Any) -> bool:
        if is_sparse(X):
            raise TypeError(f"{type(self).__name__}: sparse data was passed, expected a dense array (X.toarray())")
        if isinstance(X, str) or len(X) == 0:
            raise UsageError("X: expected sequences, at least one, found " + ("a text" if len(X) else "none"))
        first = next(iter(X))
        return len(first) > 0 and isinstance(next(iter(first)), str)

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
        network: dict[str, Any] = {"stack": self._stack(len(X)), "head": {"loss": "softmax", "at": "steps"}}
        rows: Rows = Words(X) if words else self._rows(X, fitting=True)
        lengths = np.diff(rows.starts)
        tags = [as_array(one, f"y[{i}]") for i, one in enumerate(y)]
        if [len(one) for one in tags] != lengths.tolist():
            raise UsageError("y: expected a tag for every step of every sequence, found another number of them")
        numbers = self._numbers(np.concatenate(tags))
        weights = None if sample_weight is None else np.repeat(self._weights(sample_weight, len(rows)), lengths)
        network["outputs"] = len(self.classes_)
        vocabulary = None
        if isinstance(rows, Words):
            vocabulary = self._read_words(rows, network)
        labels = {"labels": numbers.astype(np.uint32), "weights": weights, "per_step": True}
        sequences = rows.sequences(**labels)
        if vocabulary is None:
            network |= {"inputs": rows.channels, "scaling": _core.find_scaling(sequences)}
        seed = seed_of(self.random_state)
        model = _core.make_model(network, seed, vocabulary)
        if isinstance(rows, Words):
            model = _core.with_tags(model, [str(one) for one in self.classes_], rows.alphabet or "")
        self.model_ = self._fit_model(model, sequences, self._training(len(rows), seed))
        return self

    def _read_words(self, rows: Words, network: dict[str, Any]) -> _core.Vocabulary:
        """How the words become numbers; what the network needs for that goes into `network`."""
        network |= {"embedding": self.embedding, "input_dropout": float(self.input_dropout)}
        if self.spelling_units != 0:
            rows.alphabet = _core.characters_of(rows.words)
            network["spelling"] = {"characters": len(rows.alphabet) + 1, "units": self.spelling_units,
                                   "embedding": self.spelling_embedding, "cell": self.spelling_cell,
                                   "word_dropout": self.word_dropout}
        rows.vocabulary = _core.words_vocabulary(rows.words, self.min_count, rows.alphabet is None)
        return rows.vocabulary

    def predict_proba(self, X: Any) -> list[Any]:
        """The probability of each tag at every step: a list of [T_i, classes], in the order of `classes_`."""
        self._check_fitted()
        if self.model_.reads_text:
            self._of_words(X)
            rows: Rows = Words(X, self.model_._core)
        else:
            rows = Rows(X, self.model_._core.inputs)
        return list(rows.predict(self.model_._core, threads=self.threads))

    def predict(self, X: Any) -> list[Any]:
        """The likeliest tag of every step: a list of [T_i]."""
        return [self.classes_[np.argmax(one, axis=1)] for one in self.predict_proba(X)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of steps that are tagged right; `sample_weight` [n] says how much those of each sequence count."""
        found = self.predict(X)
        right = np.concatenate(found) == np.concatenate([as_array(one, "y") for one in y])
        lengths = [len(tags) for tags in found]
        weights = None if sample_weight is None else np.repeat(self._weights(sample_weight, len(found)), lengths)
        return float(np.average(right, weights=weights))


__all__ = ["SequenceTagger"]
