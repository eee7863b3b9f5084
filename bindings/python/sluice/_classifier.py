"""A class for each sequence."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from . import _core
from ._arrays import as_array
from ._base import ClassifierMixin, HAS_SKLEARN, SequenceEstimator, layers_of, scaling_of, seed_of
from ._errors import UsageError


class SequenceClassifier(ClassifierMixin, SequenceEstimator):
    """Classifies sequences of numbers by a recurrent network; an estimator of scikit-learn's kind.

    Parameters
    ----------
    cell : str
        ``"gru"``, ``"gru-reset-after"``, ``"lstm"`` or ``"rnn"``.
    hidden, layers : int
        Units of a layer and direction; recurrent layers.
    direction : str
        ``"both"``, ``"forward"``, ``"backward"`` or ``"sum"``; a forward network alone can stream.
    at : str
        What the class is read from: the ``"mean"`` or ``"max"`` over the steps, or the ``"last"`` one.
    dropout : float
        Share of units dropped in training.
    epochs : int, optional
        Passes over the sequences; by default as many as make 2000 updates, from 5 to 500.
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

    def __init__(
        self,
        cell: str = "gru",
        *,
        hidden: int = 64,
        layers: int = 1,
        direction: str = "both",
        at: str = "mean",
        dropout: float = 0.3,
        epochs: int | None = None,
        batch: int = 16,
        learning_rate: float = 5e-3,
        weight_decay: float = 0.01,
        ema_decay: float = 0.99,
        validation_split: float | None = None,
        patience: int = 0,
        class_weight: Any = None,
        scale: bool = True,
        threads: int = 0,
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
        labels = self._labels(y, len(rows))
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise UsageError("y: expected 2 classes or more, found 1 class")
        seed = seed_of(self.random_state)
        model = _core.make_model(self._network(rows, numbers), seed)
        self.model_ = self._train(model, rows, numbers, sample_weight, self._training(len(rows), seed))
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
        numbers = np.searchsorted(self.classes_, labels)
        numbers[numbers == len(self.classes_)] = 0
        unknown = self.classes_[numbers] != labels
        if unknown.any():
            raise UsageError(f"y: expected classes of classes=, found {labels[unknown][0]}")
        seed = seed_of(self.random_state)
        model = _core.make_model(self._network(rows, numbers), seed) if first else self.model_._core
        training = self._training(len(rows), seed)
        training |= {"epochs": 1, "schedule": "constant", "validation_split": 0.0, "patience": 0, "ema_decay": 0.0}
        self.model_ = self._train(model, rows, numbers, sample_weight, training)
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

    def _network(self, rows: Any, numbers: Any) -> dict[str, Any]:
        layer = {"cell": self.cell, "units": self.hidden, "direction": self.direction, "dropout": float(self.dropout)}
        network: dict[str, Any] = {
            "inputs": rows.channels,
            "outputs": len(self.classes_),
            "stack": layers_of(self.layers, layer),
            "head": {"loss": "softmax", "at": self.at, "class_weights": self._class_weights(numbers)},
        }
        if self.scale:
            network["scaling"] = scaling_of(rows.values)
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

    def _training(self, count: int, seed: int) -> dict[str, Any]:
        epochs = self.epochs if self.epochs is not None else int(min(500, max(5, 2000 * self.batch / count)))
        split = self.validation_split if self.validation_split is not None else (0.0 if count < 500 else 0.1)
        return {
            "optimizer": "adamw",
            "schedule": "cosine",
            "epochs": epochs,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "ema_decay": self.ema_decay,
            "validation_split": split,
            "patience": self.patience,
            "threads": self.threads,
            "seed": seed,
        }

    def _train(self, model: Any, rows: Any, numbers: Any, sample_weight: Any, training: dict[str, Any]) -> Any:
        weights = None
        if sample_weight is not None:
            weights = self._weights(sample_weight, len(rows))
        sequences = rows.sequences(labels=numbers.astype(np.uint32), weights=weights)
        return self._fit_model(model, sequences, training)

    def _weights(self, sample_weight: Any, count: int) -> Any:
        weights = np.asarray(as_array(sample_weight, "sample_weight"), dtype=np.float32)
        if weights.ndim == 0:
            weights = np.full(count, weights)
        if weights.shape != (count,):
            raise UsageError(f"sample_weight: expected {count} numbers, found {weights.shape}")
        if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
            raise UsageError("sample_weight: expected finite weights of 0 or more that are not all zero, found others")
        return weights

    # Prediction

    def predict_proba(self, X: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The probability of each class, [n, classes], in the order of `classes_`."""
        rows = self._rows(X, fitting=False)
        probabilities: np.ndarray[Any, np.dtype[np.float32]] = rows.predict(self.model_._core, threads=self.threads)
        return probabilities

    def predict(self, X: Any) -> Any:
        """The likeliest class of each sequence, [n]."""
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)] if self._fitted() else None

    def _fitted(self) -> bool:
        self._check_fitted()
        return True


__all__ = ["SequenceClassifier"]
