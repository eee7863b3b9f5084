"""A class for each sequence."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from . import _core
from ._arrays import as_array
from ._base import ClassEstimator, ClassifierMixin, HAS_SKLEARN, defaults_of, seed_of
from ._errors import UsageError

_DEFAULTS = defaults_of("classify")


class SequenceClassifier(ClassifierMixin, ClassEstimator):
    """Classifies sequences of numbers by a recurrent network; an estimator of scikit-learn's kind.

    Parameters
    ----------
    cell : str
        Such as ``"gru"`` or ``"lstm"``; `sluice.train` says which there are.
    hidden, layers : int
        Units of a layer and direction; recurrent layers.
    direction : str
        ``"both"``, ``"forward"``, ``"backward"`` or ``"sum"``; a forward network alone can stream.
    at : str, optional
        What the class is read from: the ``"mean"`` or ``"max"`` over the steps, or the ``"last"`` one; by default the
        mean, or the last of fewer than 100 sequences.
    dropout : float, optional
        Share of units dropped in training; by default 0.3, or 0.6 of fewer than 100 sequences.
    epochs : int, optional
        Passes over the sequences; by default as many as make 2000 updates, from 5 to 500, or some 200 of fewer than
        100 sequences.
    batch : int
        Sequences of an update.
    learning_rate, weight_decay, ema_decay : float
        Of AdamW and of the moving average of the weights.
    validation_split : float, optional
        Share of the sequences that is kept to find the best weights; by default 0 below 500 sequences, else 0.1.
    patience : int
        Stop after so many validations without improvement; 0: never.
    class_weight : dict or "balanced", optional
        How much each class counts.
    scale : bool
        Scale every channel to mean 0 and deviation 1 of the sequences that are fitted on; kept in the model.
    threads : int
        0: as many as the machine has. The result is the same for any number.
    random_state : int, RandomState or None
        Of the weights and of dropout.

    Attributes
    ----------
    classes_ : array [classes]
    model_ : Model
    n_features_in_ : int
        Steps of [n, T]; channels of other forms.
    result_ : dict
        How the training ended.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(40) % 2
    >>> X = np.sin(np.arange(30) * np.where(y, 0.3, 0.6)[:, None]) + rng.normal(0, 0.1, (40, 30))
    >>> classifier = sluice.SequenceClassifier(hidden=8, epochs=20, random_state=0).fit(X, y)
    >>> classifier.score(X, y)
    1.0
    """

    _task = "classify"

    def __init__(
        self,
        cell: str = _DEFAULTS["cell"],
        *,
        hidden: int = _DEFAULTS["hidden"],
        layers: int = _DEFAULTS["layers"],
        direction: str = "both",
        at: str | None = None,
        dropout: float | None = None,
        epochs: int | None = None,
        batch: int = _DEFAULTS["batch"],
        learning_rate: float = _DEFAULTS["learning_rate"],
        weight_decay: float = _DEFAULTS["weight_decay"],
        ema_decay: float = _DEFAULTS["ema_decay"],
        validation_split: float | None = None,
        patience: int = _DEFAULTS["patience"],
        class_weight: Any = None,
        scale: bool = True,
        threads: int = _DEFAULTS["threads"],
        random_state: Any = None,
    ) -> None:
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.direction = direction
        self.at = at
        self.dropout = dropout
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.ema_decay = ema_decay
        self.validation_split = validation_split
        self.patience = patience
        self.class_weight = class_weight
        self.scale = scale
        self.threads = threads
        self.random_state = random_state

    # Fitting

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SequenceClassifier:
        """Trains the network.

        Parameters
        ----------
        X : array [n, T] or [n, T, channels], or a list of [T_i] or [T_i, channels]
            Sequences; lengths in a list may differ. float64 and integers are converted to float32.
        y : array [n]
            The class of each.
        sample_weight : array [n], optional
            How much each counts.
        """
        rows = self._rows(X, fitting=True)
        numbers = self._numbers(self._labels(y, len(rows)))
        sequences = self._sequences(rows, numbers, sample_weight)
        seed = seed_of(self.random_state)
        model = _core.make_model(self._network(rows, sequences, numbers), seed)
        self.model_ = self._fit_model(model, sequences, self._training(len(rows), seed))
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> SequenceClassifier:
        """Trains further, one pass over these sequences; the first call makes the network.

        Parameters
        ----------
        classes : array, optional
            All classes there will be; needed in the first call where `y` does not have them all.
        """
        first = not self.__sklearn_is_fitted__()
        rows = self._rows(X, fitting=first)
        labels = self._labels(y, len(rows))
        if first:
            self.classes_ = np.unique(labels if classes is None else as_array(classes, "classes"))
        elif classes is not None and not np.array_equal(np.unique(as_array(classes, "classes")), self.classes_):
            raise UsageError("classes: expected those of the first call of partial_fit, found others")
        if len(self.classes_) < 2:
            raise UsageError("y: expected 2 classes or more, found 1 class; classes= names them all")
        unknown = ~np.isin(labels, self.classes_)
        if unknown.any():
            raise UsageError(f"y: expected classes of classes=, found {labels[unknown][0]}")
        numbers = np.searchsorted(self.classes_, labels)
        sequences = self._sequences(rows, numbers, sample_weight)
        seed = seed_of(self.random_state)
        model = _core.make_model(self._network(rows, sequences, numbers), seed) if first else self.model_._core
        training = self._training(len(rows), seed)
        training |= {"epochs": 1, "schedule": "constant", "validation_split": 0.0, "patience": 0, "ema_decay": 0.0}
        self.model_ = self._fit_model(model, sequences, training)
        return self

    def _labels(self, y: Any, count: int) -> Any:
        if y is None:
            raise ValueError(f"{type(self).__name__}: requires y to be passed, but the target y is None")
        if HAS_SKLEARN:
            from sklearn.utils.multiclass import check_classification_targets
            from sklearn.utils.validation import column_or_1d

            labels = column_or_1d(y, warn=True)
            check_classification_targets(labels)
        else:
            labels = as_array(y, "y").ravel()
        if len(labels) != count:
            raise UsageError(f"y: expected {count} classes, one a sequence, found {len(labels)}")
        return labels

    def _sequences(self, rows: Any, numbers: Any, sample_weight: Any) -> _core.Sequences:
        weights = None if sample_weight is None else self._weights(sample_weight, len(rows))
        sequences: _core.Sequences = rows.sequences(labels=numbers.astype(np.uint32), weights=weights)
        return sequences

    def _network(self, rows: Any, sequences: _core.Sequences, numbers: Any) -> dict[str, Any]:
        at = self._defaults(len(rows))[0]["head"]["at"] if self.at is None else self.at
        network: dict[str, Any] = {
            "inputs": rows.channels,
            "outputs": len(self.classes_),
            "stack": self._stack(len(rows)),
            "head": {"loss": "softmax", "at": at, "class_weights": self._class_weights(numbers)},
        }
        if self.scale:
            network["scaling"] = _core.find_scaling(sequences)
        return network

    def _class_weights(self, numbers: Any) -> list[float]:
        if self.class_weight is None:
            return []
        if isinstance(self.class_weight, Mapping):
            return [float(self.class_weight.get(one, 1)) for one in self.classes_.tolist()]
        if self.class_weight != "balanced":
            raise UsageError(f"class_weight: expected a dict, 'balanced' or None, found {self.class_weight!r}")
        counts = np.maximum(1, np.bincount(numbers, minlength=len(self.classes_)))
        weights: list[float] = (len(numbers) / (len(self.classes_) * counts)).tolist()
        return weights

    # Prediction

    def predict_proba(self, X: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The probability of each class, [n, classes], in the order of `classes_`."""
        rows = self._rows(X, fitting=False)
        probabilities: np.ndarray[Any, np.dtype[np.float32]] = rows.predict(self.model_._core, threads=self.threads)
        return probabilities

    def predict(self, X: Any) -> Any:
        """The likeliest class of each sequence, [n]."""
        likeliest = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[likeliest]


__all__ = ["SequenceClassifier"]
