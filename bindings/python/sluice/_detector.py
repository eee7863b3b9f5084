"""Rows of a table over time that are unlike what came before them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._base import OutlierMixin
from ._tables import Frame
from ._table_estimator import DEFAULTS, TableEstimator, about_arguments, state_text


class AnomalyDetector(OutlierMixin, TableEstimator):
    """Finds rows that are unlike their forecast from the rows before; an outlier detector of scikit-learn's kind.

    A number's score is the size of its error, divided by the root of the mean square of the errors on the rows that
    validated (without those, on the rows that were trained on): 1 is usual, 5 is not. A row's score is the largest of its
    columns'.

    Parameters
    ----------
    target : str, int or sequence of them, optional
        Columns to look at; by default every column of numbers.
    threshold : float
        A row whose score is above it is an outlier.
    lookback, season, time, id, past, static, missing, test_split, validation_split
        As those of `Forecaster`. The last fifth of the rows is left out of training, as ``sluice train`` does;
        ``test_split=0`` trains on all.
    cell, hidden, layers, dropout, epochs, batch, learning_rate, options, threads, random_state
        As those of `Forecaster`.

    Attributes
    ----------
    model_ : Model
    offset_ : float
        Minus the threshold: ``decision_function(X) = score_samples(X) - offset_``.
    forecast_, targets_, lookback_, n_features_in_, result_
        As those of `Forecaster`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> flow = np.sin(np.arange(600) * 0.3) + rng.normal(0, 0.05, 600)
    >>> detector = sluice.AnomalyDetector(lookback=20, hidden=16, epochs=5, random_state=0).fit(flow)
    >>> flow[590:] += 3
    >>> int(np.argmin(detector.score_samples(flow)))
    590
    >>> int(detector.predict(flow)[590])
    -1
    """

    _detects = True

    def __init__(
        self,
        target: Any = None,
        *,
        threshold: float = 5.0,
        lookback: int | None = None,
        season: int | None = None,
        time: str | None = None,
        id: str | None = None,
        past: Any = None,
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
        self.threshold = threshold
        self.lookback = lookback
        self.season = season
        self.time = time
        self.id = id
        self.past = past
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
    def offset_(self) -> float:
        """Minus the threshold."""
        return -float(self.threshold)

    def detect(self, X: Any, *, state: Any = None, return_state: bool = False) -> Any:
        """How unlike its forecast every row is, and in which column.

        Parameters
        ----------
        X : table, as that of `fit`
        state : str or bytes, optional
            Of an earlier call: the table goes on where that one's ended.
        return_state : bool
            Also return what the next call needs of the rows so far.

        Returns
        -------
        DataFrame or dict
            For each row of `X`, in the same order, its series (with `id`), time, the score, the column whose score that
            is, and the score of each column. NaN, and no column, where there is none: in the first `lookback_` rows of a
            series, and where the number is missing. In the kind of `X`, as `Forecaster.predict` gives it.
        state : str
            With `return_state`.
        """
        frame = self._frame(X)
        scores, largest, of, times, series, next_state = self._detect(frame, state, bool(return_state))
        targets = self.targets_
        names = np.array([*targets, None], dtype=object)
        columns: dict[str, Any] = {}
        if self.forecast_["id"]:
            columns[self.forecast_["id"]] = np.array([frame.names.get(name, name) for name in series])
        columns |= {"score": largest, "column": names[np.where(np.isnan(largest), len(targets), of)]}
        columns |= {f"score {name}": scores[:, i].copy() for i, name in enumerate(targets)}
        found = frame.in_kind(frame.read_times(times), columns, own_rows=True)
        return (found, next_state) if return_state else found

    def _detect(self, frame: Frame, state: Any = None, return_state: bool = False) -> Any:
        with about_arguments(frame):
            return self._forecaster().detect(frame.core, state_text(state), return_state)

    def score_samples(self, X: Any) -> Any:
        """Minus the score of every row, [rows]: the lower, the more unusual. 0 where `detect` has no score."""
        return -np.nan_to_num(self._detect(self._frame(X))[1])

    def decision_function(self, X: Any) -> Any:
        """`score_samples` above the threshold, [rows]: below 0 is an outlier."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Any:
        """1 for every row that is usual or has no score, -1 for an outlier: [rows]."""
        return np.where(self.decision_function(X) < 0, -1, 1)


__all__ = ["AnomalyDetector"]
