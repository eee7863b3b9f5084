"""What the estimators have in common: scikit-learn's manners, with scikit-learn's own classes where it is there."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Mapping

import numpy as np

from . import _core
from ._arrays import _is_sparse
from ._errors import Interrupted, UsageError
from ._model import Model
from ._sequences import Rows, is_ragged

if TYPE_CHECKING:
    HAS_SKLEARN = True

    class BaseEstimator:
        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Any: ...
        def __sklearn_tags__(self) -> Any: ...

    class ClassifierMixin:
        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float: ...

else:
    try:
        from sklearn.base import BaseEstimator, ClassifierMixin

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


class NotFittedError(ValueError, AttributeError):
    """An estimator that was not fitted yet."""


if not TYPE_CHECKING and HAS_SKLEARN:
    from sklearn.exceptions import NotFittedError


def seed_of(random_state: Any) -> int:
    """A seed of scikit-learn's ``random_state``: a number, a generator, or None."""
    if random_state is None:
        return int(np.random.mtrand._rand.randint(2**31 - 1))
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool) and random_state >= 0:
        return int(random_state)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    raise UsageError(f"random_state: expected a number of 0 or more, a generator or None, found {random_state!r}")


def layers_of(layers: Any, layer: dict[str, Any]) -> list[dict[str, Any]]:
    """So many equal layers."""
    if isinstance(layers, bool) or not isinstance(layers, (int, np.integer)) or not 1 <= layers <= 256:
        raise UsageError(f"layers: expected a whole number from 1 to 256, found {layers!r}")
    return [layer] * int(layers)


def scaling_of(values: np.ndarray[Any, Any]) -> dict[str, list[float]]:
    """Mean and deviation of each channel, as the library scales by them; a constant one keeps its size."""
    wide = values.astype(np.float64)
    mean = wide.mean(axis=0)
    deviation = np.sqrt(np.maximum(0, (wide * wide).mean(axis=0) - mean * mean))
    deviation[deviation < 1e-6 * np.maximum(1, np.abs(mean))] = 1
    return {"mean": mean.tolist(), "deviation": deviation.tolist()}


class SequenceEstimator(BaseEstimator):
    """Sequences in, a network inside: `model_` after `fit`."""

    model_: Model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(f"This {type(self).__name__} instance is not fitted yet. Call 'fit' first.")

    def _rows(self, X: Any, fitting: bool) -> Rows:
        """Sequences of whichever form, of as many channels (in [n, T]: steps) as those that were fitted on."""
        if _is_sparse(X):
            raise TypeError(f"{type(self).__name__}: sparse data was passed, expected a dense array (X.toarray())")
        if not fitting:
            self._check_fitted()
        # A list of sequences of one length is one array; numbers that are text, complex or missing are refused by
        # those who are known for it.
        if not is_ragged(X) or np.ndim(X[0]) == 1 and len({len(one) for one in X}) == 1:
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
        if raised is not None:
            if isinstance(raised, KeyboardInterrupt):
                raise Interrupted("fit was stopped") from raised
            raise raised
        self.result_ = {name: getattr(result, name) for name in
                        ("epochs", "updates", "seconds", "train_loss", "validation_loss", "stopped_early")}
        return Model(trained, type(self).__name__)


__all__ = ["BaseEstimator", "ClassifierMixin", "NotFittedError", "SequenceEstimator", "layers_of", "scaling_of", "seed_of"]
