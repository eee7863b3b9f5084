"""What the estimators have in common: scikit-learn's manners, with scikit-learn's own classes where it is there."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Iterable, Mapping

import numpy as np

from . import _core
from ._arrays import as_array, is_sparse
from ._errors import Interrupted, UsageError
from ._model import Model
from ._sequences import Rows, is_listed

if TYPE_CHECKING:
    HAS_SKLEARN = True

    class BaseEstimator:
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Any: ...
        def __sklearn_tags__(self) -> Any: ...

    class ClassifierMixin:
        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...

    class OutlierMixin:
        def fit_predict(self, X: Any, y: Any = None, **kwargs: Any) -> Any: ...

else:
    try:
        from sklearn.base import BaseEstimator, ClassifierMixin, OutlierMixin

        HAS_SKLEARN = True
    except ImportError:
        HAS_SKLEARN = False

        class BaseEstimator:
            """The parameters of an estimator are the arguments of its constructor."""

            @classmethod
            def _names(cls):
                return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

            def get_params(self, deep=True):
                """The arguments of the constructor, by name."""
                return {name: getattr(self, name) for name in self._names()}

            def set_params(self, **params):
                """Changes some of them."""
                for name, value in params.items():
                    if name not in self._names():
                        raise ValueError(f"Invalid parameter {name!r} for estimator {self!r}")
                    setattr(self, name, value)
                return self

            def __repr__(self):
                defaults = inspect.signature(type(self).__init__).parameters
                changed = [f"{name}={value!r}" for name, value in self.get_params().items()
                           if value is not defaults[name].default]
                return f"{type(self).__name__}({', '.join(changed)})"

        class ClassifierMixin:
            """What classifiers have."""

            def score(self, X, y, sample_weight=None):
                """The share of sequences that are classified right."""
                return float(np.average(self.predict(X) == np.asarray(y), weights=sample_weight))

        class OutlierMixin:
            """What outlier detectors have."""

            def fit_predict(self, X, y=None, **kwargs):
                """Fits on `X` and says of every row of it whether it is an outlier."""
                return self.fit(X, **kwargs).predict(X)


class NotFittedError(ValueError, AttributeError):
    """An estimator that was not fitted yet."""


if not TYPE_CHECKING and HAS_SKLEARN:
    from sklearn.exceptions import NotFittedError


def seed_of(random_state: Any) -> int:
    """A seed of scikit-learn's ``random_state``: a number, a generator, or None."""
    if random_state is None:
        return int(np.random.randint(2**31 - 1))
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    raise UsageError(f"random_state: expected a number of 0 or more, a generator or None, found {random_state!r}")


def defaults_of(task: str) -> dict[str, Any]:
    """Those of `sluice train` for a task, as far as they do not depend on how many sequences there are."""
    network, training = _core.task_defaults(task)
    return network | training


class FittedEstimator(BaseEstimator):
    """What is inside: `model_` after `fit`."""

    model_: Model

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(f"This {type(self).__name__} instance is not fitted yet. Call 'fit' first.")

    def _end_training(self, result: _core.TrainResult, raised: BaseException | None) -> None:
        """Raises what was raised in training; else keeps how it ended."""
        if isinstance(raised, KeyboardInterrupt):
            raise Interrupted("fit was stopped") from raised
        if raised is not None:
            raise raised
        self.result_ = {name: getattr(result, name) for name in
                        ("epochs", "updates", "seconds", "train_loss", "validation_loss", "stopped_early")}


class OptionEstimator(FittedEstimator):
    """What takes any option of a network and of its training."""

    # The constructor's arguments.
    options: dict[str, Any] | None
    threads: int
    random_state: Any

    def _given(self, names: Iterable[str]) -> dict[str, Any]:
        """The arguments of these names that were given, and `options`, as keyword arguments of `sluice.train`."""
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return {"threads": self.threads, "seed": seed_of(self.random_state), **(self.options or {}), **given}


class SequenceEstimator(FittedEstimator):
    """Sequences in, a network inside."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _rows(self, X: Any, fitting: bool) -> Rows:
        """Sequences of whichever form, of as many channels (in [n, T]: steps) as those that were fitted on."""
        if is_sparse(X):
            raise TypeError(f"{type(self).__name__}: sparse data was passed, expected a dense array (X.toarray())")
        if not fitting:
            self._check_fitted()
        # Numbers that are text, complex or missing are refused by those who are known for it.
        if not is_listed(X):
            X = self._validated(X, fitting)
        channels = None if fitting else self.model_._core.inputs
        rows = Rows(X, channels)
        if not np.isfinite(rows.values).all():
            raise UsageError("X: expected finite numbers, found NaN or infinity")
        if fitting:
            flat = not rows.listed and np.ndim(X) == 2
            self.n_features_in_ = int(np.shape(X)[1]) if flat else rows.channels
            self._flat = flat
        return rows

    def _validated(self, X: Any, fitting: bool) -> Any:
        if HAS_SKLEARN and (not hasattr(X, "ndim") or X.ndim != 3):
            from sklearn.utils.validation import validate_data

            same_steps = fitting or getattr(self, "_flat", True)
            return validate_data(self, X, reset=fitting, dtype=np.float32, skip_check_array=False,
                                 ensure_min_samples=1) if same_steps else X
        array = np.asarray(X)
        if array.dtype.kind == "c":
            raise ValueError("Complex data not supported")
        if not fitting and array.ndim == 2 and self._flat and array.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {array.shape[1]} features, but {type(self).__name__} is expecting "
                             f"{self.n_features_in_} features as input")
        return X

    def _fit_model(self, model: _core.Model, sequences: Any, options: Mapping[str, Any]) -> Model:
        trained, result, raised = _core.train_sequences(model, sequences, None, dict(options), None)
        self._end_training(result, raised)
        return Model(trained, type(self).__name__)


class ClassEstimator(SequenceEstimator):
    """What predicts classes, of sequences or of their steps, with the defaults of `sluice train` for its task."""

    _task: str
    # The constructor's arguments.
    cell: str
    hidden: int
    layers: int
    direction: str
    dropout: float | None
    batch: int
    random_state: Any

    def _stack(self, count: int) -> list[dict[str, Any]]:
        if isinstance(self.layers, bool) or not isinstance(self.layers, (int, np.integer)) or not 1 <= self.layers <= 256:
            raise UsageError(f"layers: expected a whole number from 1 to 256, found {self.layers!r}")
        dropout = self._defaults(count)[0]["dropout"] if self.dropout is None else self.dropout
        return [{"cell": self.cell, "units": self.hidden, "direction": self.direction, "dropout": float(dropout)}
                ] * int(self.layers)

    def _defaults(self, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the task has for so many sequences: of the network, and of its training."""
        return _core.task_defaults(self._task, count, self.batch, self.direction)

    def _numbers(self, labels: Any) -> Any:
        """Labels as numbers of `classes_`, which they make."""
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise UsageError("y: expected 2 classes or more, found 1 class")
        return numbers

    def _training(self, count: int, seed: int) -> dict[str, Any]:
        """The options of a training on so many sequences: the constructor's arguments, and the task's defaults."""
        _, training = self._defaults(count)
        given = {name: value for name, value in vars(self).items() if name in training and value is not None}
        return training | given | {"seed": seed}

    def _weights(self, sample_weight: Any, count: int) -> Any:
        weights = np.asarray(as_array(sample_weight, "sample_weight"), dtype=np.float32)
        if weights.ndim == 0:
            weights = np.full(count, weights)
        if weights.shape != (count,):
            raise UsageError(f"sample_weight: expected {count} numbers, found {weights.shape}")
        if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
            raise UsageError("sample_weight: expected finite weights of 0 or more that are not all zero, found others")
        return weights


__all__ = ["HAS_SKLEARN", "ClassEstimator", "ClassifierMixin", "OptionEstimator", "OutlierMixin", "SequenceEstimator",
           "defaults_of", "seed_of"]
