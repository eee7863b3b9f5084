"""What the estimators of tables over time have in common."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import Any, Iterator, TypeVar

import numpy as np

from . import _core
from ._base import OptionEstimator
from ._errors import FileError, UsageError
from ._model import Model, load
from ._tables import Frame, column_names
from ._train import split_options, trained_note

Estimator = TypeVar("Estimator", bound="TableEstimator")

DEFAULTS = _core.forecast_defaults()
# The constructor's arguments that are options of the network and of its training, whose defaults depend on the table.
_OPTIONS = ("cell", "hidden", "layers", "dropout", "epochs", "batch", "learning_rate")


class TableEstimator(OptionEstimator):
    """A table in, a network inside: `model_` after `fit`."""

    _detects: bool
    # The constructor's arguments.
    target: Any
    lookback: int | None
    season: int | None
    time: str | None
    id: str | None
    past: Any
    static: Any
    missing: str
    test_split: float
    validation_split: float | None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing != "refuse"
        tags.target_tags.required = False
        return tags

    def _forecast_options(self) -> dict[str, Any]:
        """The constructor's arguments that the library has as options of forecasts."""
        options: dict[str, Any] = {"detect": self._detects}
        for name in DEFAULTS:
            value = vars(self).get(name)
            if name in ("target", "past", "future", "static"):
                options[name] = column_names(value, name)
            elif value is not None:
                options[name] = column_names([value], name)[0] if name in ("time", "id") else value
        return options

    def fit(self: Estimator, X: Any, y: Any = None) -> Estimator:
        """Trains on a table, with the defaults and the bits of ``sluice train``.

        Parameters
        ----------
        X : DataFrame, dict of columns, array [T] or [T, columns], or path
            A row for each time, in their order. Times are the index of a pandas table, the column `time`, or the first
            column of dates; without any, rows are counted. The columns of an array are 0, 1, ...; a path is that of a
            CSV file with a header.
        y
            Is not looked at.
        """
        options = self._forecast_options()
        frame = Frame(X, time=options.get("time", ""), id=options.get("id", ""))
        if frame.time:
            options["time"] = frame.time
        read = options["target"] + options["past"] + options["future"]
        frame.expect_numbers(read if options["target"] else [], missing=self.missing != "refuse")
        if frame.rows == 1:
            raise UsageError("X: expected rows of many times, found 1 sample (1 row)")
        network, training = split_options(self._given(_OPTIONS), type(self).__name__)
        with about_arguments(frame):
            forecaster = _core.Forecaster(frame.core, options, network, training)
        windows = forecaster.windows
        (core, result, raised), settings = forecaster.train(None)
        self._end_training(result, raised)
        note = {"task": "detect" if self._detects else "forecast", "windows": windows}
        if frame.kind == "path":
            note["file"] = os.path.basename(os.fspath(X))
        core = core.with_notes({**core.notes, "trained": trained_note(note, settings, result)})
        self.model_ = Model(core, type(self).__name__)
        if frame.columns:
            self._remember(X, frame)
        return self

    def _remember(self, X: Any, frame: Frame) -> None:
        """What scikit-learn's rules ask for."""
        names = [name for name in frame.columns if not (frame.index and name == frame.time)]
        self.n_features_in_ = len(names)
        self.__dict__.pop("feature_names_in_", None)
        if all(isinstance(name, str) for name in getattr(X, "columns", [0])):
            self.feature_names_in_ = np.array(names, dtype=object)

    @property
    def forecast_(self) -> dict[str, Any]:
        """How tables are read and what is predicted of them: the model's note ``forecast``."""
        self._check_fitted()
        note: dict[str, Any] = json.loads(self.model_.notes["forecast"])
        return note

    @property
    def targets_(self) -> list[str]:
        """The columns that are looked at."""
        targets: list[str] = self.forecast_["targets"]
        return targets

    @property
    def lookback_(self) -> int:
        """Rows that are needed before the first that is predicted."""
        return int(self.forecast_["lookback"])

    def _forecaster(self) -> _core.Forecaster:
        self._check_fitted()
        return _core.Forecaster.from_model(self.model_._core, self.model_.name)

    def _frame(self, X: Any, name: str = "X") -> Frame:
        """Another table for the model."""
        task = self.forecast_
        frame = Frame(X, time=task["time"], id=task["id"], name=name, indexed=task["timed"])
        read = [column for part in ("targets", "past", "future") for column in task[part]]
        if name == "X":
            frame.expect_numbers(read, missing=task["missing"] != "refuse")
        width = getattr(self, "n_features_in_", None)
        if frame.kind == "array" and width is not None and len(frame.columns) != width and name == "X":
            hint = ". Reshape your data: [T, columns]" if np.ndim(X) == 1 else ""
            raise UsageError(f"X has {len(frame.columns)} features, but {type(self).__name__} is expecting {width} "
                             f"features as input{hint}")
        return frame

    # Files

    def save(self, path: Any, *, force: bool = False) -> None:
        """Writes the model's file, which ``sluice predict`` reads too; see `load`. `force` replaces a file."""
        self._check_fitted()
        self.model_.save(path, force=force)

    @classmethod
    def load(cls: type[Estimator], path: Any) -> Estimator:
        """An estimator from the file of a model of its kind, which `save` or ``sluice train`` wrote."""
        return cls.from_model(load(path))

    @classmethod
    def from_model(cls: type[Estimator], model: Model) -> Estimator:
        """An estimator from such a model."""
        forecaster = _core.Forecaster.from_model(model._core, model.name)
        if forecaster.detects != cls._detects:
            wanted = "detects" if cls._detects else "forecasts"
            raise UsageError(f"{model.name}: expected a model that {wanted}, found one that "
                             f"{'detects' if forecaster.detects else 'forecasts'}")
        task = json.loads(model.notes["forecast"])
        given = {name: task[name] or None for name in ("time", "id", "past", "static")}
        given |= {name: task[name] for name in ("missing", "lookback", "season")}
        estimator = cls(target=task["targets"], **given, **cls._of_task(task, forecaster))
        estimator.model_ = model
        return estimator

    @classmethod
    def _of_task(cls, task: dict[str, Any], forecaster: _core.Forecaster) -> dict[str, Any]:
        return {}


@contextmanager
def about_arguments(*frames: Frame) -> Iterator[None]:
    """What the library says of a file is said of an argument where all tables are in memory."""
    try:
        yield
    except FileError as error:
        if any(frame.kind == "path" for frame in frames):
            raise
        raise UsageError(str(error)) from None


def state_text(state: Any) -> str | None:
    """A state as predict and detect return it, or the bytes of a file of ``sluice predict --state-out``."""
    if isinstance(state, (bytes, bytearray)):
        try:
            return bytes(state).decode()
        except UnicodeDecodeError:
            raise UsageError("state: expected text in UTF-8, found other bytes") from None
    if state is not None and not isinstance(state, str):
        raise UsageError(f"state: expected what predict or detect returned, found {state!r:.60}")
    return state


__all__ = ["DEFAULTS", "TableEstimator", "about_arguments", "state_text"]
