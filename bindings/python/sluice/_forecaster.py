"""Forecasts of the columns of a table over time."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Sequence

import numpy as np

from . import _core
from ._errors import UsageError
from ._table_estimator import DEFAULTS, TableEstimator, about_arguments, state_text


@dataclass(frozen=True)
class ForecastErrors:
    """How far forecasts are off: means over all targets, in units of each column's deviation in training.

    Attributes
    ----------
    mean_squared_error, mean_absolute_error : float
    mean_squared_error_by_step : list of float
        [horizon]: the mean squared error so many steps ahead.
    """

    mean_squared_error: float
    mean_absolute_error: float
    mean_squared_error_by_step: list[float]


@dataclass(frozen=True)
class ForecastEvaluation(ForecastErrors):
    """What `Forecaster.evaluate` gives: the model's errors, and those of predictions that need no network.

    Attributes
    ----------
    forecasts : int
        How many there were.
    first, last : str
        The times that were predicted.
    coverage : float
        Share of the numbers between the lowest and the highest quantile.
    root_mean_squared_error : dict
        Of each target, in the column's own unit.
    baselines : dict of ForecastErrors
        ``"last_value"``, ``"seasonal_last_value"`` and ``"ridge"``, a linear autoregression.
    loses_to : list of str
        Baselines that are no worse than the model.
    """

    forecasts: int
    first: str
    last: str
    coverage: float
    root_mean_squared_error: dict[str, float]
    baselines: dict[str, ForecastErrors]
    loses_to: list[str]


class Forecaster(TableEstimator):
    """Predicts columns of a table over time by a recurrent network; an estimator of scikit-learn's kind.

    Parameters
    ----------
    target : str, int or sequence of them, optional
        Columns to predict; by default every column of numbers.
    horizon : int, optional
        Rows to predict; by default a season, or 10 where none is known.
    lookback : int, optional
        Rows that a forecast looks at; by default some 30 seasons, as far as there are rows.
    season : int, optional
        Rows after which the series repeats itself; by default what the distance of rows suggests.
    quantiles : sequence of float
        What is predicted of each number. The one nearest to 0.5 stands for the forecast where one number is wanted.
    time, id : str, optional
        The column of times; the column that tells several series apart.
    past, future : str, int or sequence of them, optional
        Columns that are known up to now; columns that are known in advance as well.
    static : str or sequence of str, optional
        Columns of text that say what kind of series it is.
    missing : str
        What becomes of numbers and times that are missing: ``"refuse"``, ``"fill"`` (with the last value) or
        ``"mask"`` (the network also reads whether they are there and since when not).
    test_split, validation_split : float
        The last share of the rows, which is for `evaluate` alone (0: all rows are trained on), and the one before it,
        which finds the best weights; by default 0.1, unless that is less than five horizons.
    cell : str, optional
        Such as ``"gru"`` or ``"lstm"``; `sluice.train` says which there are.
    hidden, layers, dropout, epochs, batch, learning_rate, options
        Of the network and its training; by default what suits so many rows. `options` is a dict of any other options of
        `sluice.train`.
    threads : int
        0: as many as the machine has. The result is the same for any number.
    random_state : int, RandomState or None
        Of the weights and of dropout.

    Attributes
    ----------
    model_ : Model
    forecast_ : dict
        How tables are read and what is predicted of them.
    targets_, horizon_, lookback_, season_, quantiles_
        What became of the parameters of these names.
    n_features_in_ : int
        Columns of the table.
    result_ : dict
        How the training ended.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> hours = np.arange("2026-01-01", "2026-02-12", dtype="datetime64[h]")
    >>> load = 50 + 10 * np.sin(np.arange(len(hours)) * np.pi / 12) + rng.normal(0, 1, len(hours))
    >>> table = {"time": hours, "load": load}
    >>> forecaster = sluice.Forecaster(horizon=3, lookback=48, hidden=16, epochs=2, random_state=0).fit(table)
    >>> forecast = forecaster.predict(table)
    >>> list(forecast)
    ['time', 'target', 'q0.1', 'q0.5', 'q0.9']
    >>> forecast["time"][0]
    np.datetime64('2026-02-12T00:00:00.000000')
    >>> forecaster.evaluate(table).mean_squared_error < 0.2
    True
    """

    _detects = False

    def __init__(
        self,
        target: Any = None,
        *,
        horizon: int | None = None,
        lookback: int | None = None,
        season: int | None = None,
        quantiles: Sequence[float] = tuple(DEFAULTS["quantiles"]),
        time: str | None = None,
        id: str | None = None,
        past: Any = None,
        future: Any = None,
        static: Any = None,
        missing: str = DEFAULTS["missing"],
        test_split: float = DEFAULTS["test_split"],
        validation_split: float | None = None,
        cell: str | None = None,
        hidden: int | None = None,
        layers: int | None = None,
        dropout: float | None = None,
        epochs: int | None = None,
        batch: int | None = None,
        learning_rate: float | None = None,
        options: dict[str, Any] | None = None,
        threads: int = 0,
        random_state: Any = None,
    ) -> None:
        self.target = target
        self.horizon = horizon
        self.lookback = lookback
        self.season = season
        self.quantiles = quantiles
        self.time = time
        self.id = id
        self.past = past
        self.future = future
        self.static = static
        self.missing = missing
        self.test_split = test_split
        self.validation_split = validation_split
        self.cell = cell
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.options = options
        self.threads = threads
        self.random_state = random_state

    @property
    def horizon_(self) -> int:
        """Rows that are predicted."""
        return int(self.forecast_["horizon"])

    @property
    def season_(self) -> int:
        """Rows after which the series repeats itself; 1: none is known."""
        return int(self.forecast_["season"])

    @property
    def quantiles_(self) -> list[float]:
        """The quantiles that are predicted."""
        return self._forecaster().quantiles

    def predict(self, X: Any, *, future: Any = None, state: Any = None, return_state: bool = False) -> Any:
        """What comes after the last row of a table, or of every series in it.

        Parameters
        ----------
        X : table, as that of `fit`
            The last `lookback_` rows are looked at; with `id` as many of each series. Of fewer rows, a season at least, a
            forecast may be further off, and there is a warning.
        future : table, optional
            The columns `future` for the times that are predicted. A model without such columns takes nothing from it, and
            there is a warning.
        state : str or bytes, optional
            Of an earlier call: the table goes on where that one's ended, and may hold new rows alone.
        return_state : bool
            Also return what the next call needs of the rows so far, in the form of ``sluice predict --state-out``.

        Returns
        -------
        DataFrame or dict
            Rows of a series (with `id`), time, target and a number for each quantile (``q0.5``): a table of pandas or
            polars where `X` is one, with its times in the index where they are in that of `X`; else a dict of arrays.
        state : str
            With `return_state`.
        """
        forecaster, task = self._forecaster(), self.forecast_
        frame = self._frame(X)
        if task["future"] and future is None:
            raise UsageError(f"future: expected a table of {', '.join(task['future'])} for the times to come, found none")
        if future is not None and not task["future"]:
            warnings.warn("future: nothing of it is read: the model was fitted without future= of the constructor, which "
                          "names columns that are known in advance", UserWarning, stacklevel=2)
            future = None
        frames = [frame]
        if future is not None:
            frames.append(self._frame(future, "future"))
            if not task["timed"] and not task["id"] and state is None and frames[1].kind != "path":
                frames[1].count_from(frame.rows)
        ahead = frames[1].core if future is not None else None
        begun = state_text(state)
        with about_arguments(*frames):
            found, next_state, seen = forecaster.predict(frame.core, ahead, begun, bool(return_state), self.threads)
        if seen < task["lookback"]:
            warnings.warn(f"X: has {seen} rows to look at, where training looked at {task['lookback']}: the forecast may be "
                          f"further off than evaluate says. More rows, or lookback={seen} of the constructor, help",
                          UserWarning, stacklevel=2)
        predicted = self._table(found, frame, forecaster)
        return (predicted, next_state) if return_state else predicted

    def _table(self, found: Any, frame: Any, forecaster: _core.Forecaster) -> Any:
        """A row for each series, time and target."""
        targets, horizon, quantiles = forecaster.targets, forecaster.horizon, forecaster.quantiles
        columns: dict[str, Any] = {}
        if self.forecast_["id"]:
            series = [frame.names.get(name, name) for name, _, _ in found for _ in range(horizon * len(targets))]
            columns[self.forecast_["id"]] = np.array(series, dtype=object if isinstance(series[0], str) else None)
        columns["target"] = np.array(targets * (horizon * len(found)), dtype=object)
        numbers = np.concatenate([values.transpose(1, 0, 2).reshape(-1, len(quantiles)) for _, _, values in found])
        columns |= {f"q{quantile!r}": numbers[:, i].copy() for i, quantile in enumerate(quantiles)}
        times = frame.read_times([time for _, times, _ in found for time in times])
        return frame.in_kind(np.repeat(times, len(targets)), columns)

    def evaluate(self, X: Any, *, training: Any = None) -> ForecastEvaluation:
        """Forecasts from all rows after those that were trained and validated on, beside predictions without a network.

        Parameters
        ----------
        X : table, as that of `fit`
            With rows that come after those; and as many before them as a forecast looks at.
        training : table, optional
            The rows that were trained on, where `X` lacks them: the linear autoregression learns from them.
        """
        forecaster = self._forecaster()
        frame = self._frame(X)
        frames = [frame] if training is None else [frame, self._frame(training, "training")]
        before = frames[1].core if training is not None else None
        with about_arguments(*frames):
            found = forecaster.evaluate(frame.core, before, self.threads)
        baselines = {name: ForecastErrors(**errors) for name, errors in found.pop("baselines").items()}
        return ForecastEvaluation(**found, baselines=baselines)

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the mean squared error of `evaluate`: more is better."""
        return -self.evaluate(X).mean_squared_error

    @classmethod
    def _of_task(cls, task: dict[str, Any], forecaster: _core.Forecaster) -> dict[str, Any]:
        return {"horizon": task["horizon"], "future": task["future"] or None, "quantiles": tuple(forecaster.quantiles)}


__all__ = ["ForecastErrors", "ForecastEvaluation", "Forecaster"]
