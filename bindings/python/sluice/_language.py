"""A language model as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._base import OptionEstimator
from ._errors import UsageError
from ._model import Model
from ._train import train


class LanguageModel(OptionEstimator):
    """Learns to predict the next token of texts; an estimator of scikit-learn's kind.

    Parameters
    ----------
    level : str
        ``"word"``, ``"char"`` or ``"pretokenized"``.
    cell : str, optional
        Such as ``"gru"`` or ``"lstm"``; `sluice.train` says which there are.
    hidden, layers, epochs, batch, steps, learning_rate, dropout, validation_split
        As `sluice.train` has them; None: its defaults, which depend on the level.
    options : dict, optional
        Other options of `sluice.train`.
    threads : int
        0: as many as the machine has. The result is the same for any number.
    random_state : int, RandomState or None
        Of the weights and of dropout.

    Attributes
    ----------
    model_ : Model

    Examples
    --------
    >>> language = sluice.LanguageModel(level="char", hidden=16, epochs=1, random_state=0)
    >>> language = language.fit(["to be or not to be, that is the question"] * 60)
    >>> language.score(["to be or not to be"]) < 0
    True
    """

    def __init__(
        self,
        level: str = "word",
        *,
        cell: str | None = None,
        hidden: int | None = None,
        layers: int | None = None,
        epochs: int | None = None,
        batch: int | None = None,
        steps: int | None = None,
        learning_rate: float | None = None,
        dropout: float | None = None,
        validation_split: float | None = None,
        options: dict[str, Any] | None = None,
        threads: int = 0,
        random_state: Any = None,
    ) -> None:
        self.level = level
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.epochs = epochs
        self.batch = batch
        self.steps = steps
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.validation_split = validation_split
        self.options = options
        self.threads = threads
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = False
        return tags

    def _text(self, X: Any) -> str:
        texts = [X] if isinstance(X, str) else list(X)
        if not texts or not all(isinstance(text, str) for text in texts):
            raise UsageError("X: expected texts, at least one, found " + ("none" if not texts else "something else"))
        return "".join(text if text.endswith("\n") else text + "\n" for text in texts)

    def _train(self, X: Any, from_model: Model | None) -> Model:
        names = ["epochs", "batch", "steps", "learning_rate"]
        if from_model is None:
            names += ["cell", "hidden", "layers", "dropout", "validation_split"]
        return train(text=self._text(X), level=self.level, from_model=from_model, progress=False, **self._given(names))

    def fit(self, X: Any, y: Any = None) -> LanguageModel:
        """Trains on texts, a str or many, which are read as the lines of one; `y` is not looked at."""
        self.model_ = self._train(X, None)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> LanguageModel:
        """Trains further on more texts; the tokens stay those of the first call."""
        self.model_ = self._train(X, self.model_ if self.__sklearn_is_fitted__() else None)
        return self

    def predict(self, X: Any) -> Any:
        """The likeliest next token after each text, [n]."""
        self._check_fitted()
        texts = [X] if isinstance(X, str) else list(X)
        return np.array([self.model_.candidates(text, 1)[0][0] for text in texts], dtype=object)

    def score(self, X: Any, y: Any = None) -> float:
        """-bits per token over texts: more is better."""
        self._check_fitted()
        return -self.model_.eval(text=self._text(X), threads=self.threads).bits_per_token

    def complete(self, prompt: str, n: int = 80, **options: Any) -> str:
        """Goes on with a text, as `Model.complete`."""
        self._check_fitted()
        return self.model_.complete(prompt, n, **options)


__all__ = ["LanguageModel"]
