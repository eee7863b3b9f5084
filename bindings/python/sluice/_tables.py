"""Tables over time as people have them, as the library reads them; and its results in the kind that was given.

Taken are tables of pandas and polars, a dict of columns, a structured array, an array [T] or [T, columns], and the path
of a file. Times stand in the index of a pandas table, in the column that is named, or in the first column of dates.
"""

from __future__ import annotations

import datetime
import os
import sys
from functools import cached_property
from typing import Any, Mapping

import numpy as np

from . import _core
from ._arrays import as_array, is_sparse
from ._errors import UsageError

_DAY, _SECOND = 86_400_000_000, 1_000_000
Array = np.ndarray[Any, Any]


def column_name(name: Any) -> str:
    """The name of a column as the library has it: a number alone, as pandas and arrays have them, is no name there."""
    return name if isinstance(name, str) else f"x{name}"


def column_names(names: Any, what: str) -> list[str]:
    """One name or several, as texts; whole numbers mean columns of an array."""
    if names is None:
        return []
    if isinstance(names, (str, int, np.integer)):
        names = [names]
    known = isinstance(names, (list, tuple, np.ndarray)) or hasattr(names, "to_list")
    listed = list(names) if known else [None]
    for name in listed:
        if isinstance(name, bool) or not isinstance(name, (str, int, np.integer)):
            raise UsageError(f"{what}: expected the name of a column or several, found {names!r:.60}")
    return [column_name(name) for name in listed]


def _is_of(X: Any, library: str, names: tuple[str, ...]) -> bool:
    loaded = sys.modules.get(library)
    return loaded is not None and isinstance(X, tuple(getattr(loaded, name) for name in names))


def is_pandas(X: Any) -> bool:
    """Whether it is a table, column or index of pandas."""
    return _is_of(X, "pandas", ("DataFrame", "Series", "Index"))


def is_polars(X: Any) -> bool:
    """Whether it is a table or column of polars."""
    return _is_of(X, "polars", ("DataFrame", "LazyFrame", "Series"))


def _without_zone(values: Any) -> tuple[Any, Any]:
    """A column's times in UTC, and its zone; another column as it is, and None."""
    dtype = getattr(values, "dtype", None)
    zone = getattr(dtype, "tz", None) if is_pandas(values) else getattr(dtype, "time_zone", None)
    if zone is None:
        return values, None
    if is_polars(values):
        return values.dt.convert_time_zone("UTC").dt.replace_time_zone(None), zone
    return (values.dt if hasattr(values, "dt") else values).tz_convert(None), zone


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA
        return True


def _of_objects(array: Array, where: str) -> Array:
    """Python's own objects as numbers, times or texts, by the first that is there."""
    first: Any = None
    try:
        missing = [_is_missing(value) for value in array]
        first = next((value for value, none in zip(array, missing) if not none), None)
        if isinstance(first, datetime.date) and getattr(first, "tzinfo", None) is None:
            return np.array([None if none else value for value, none in zip(array, missing)], dtype="datetime64[us]")
        if isinstance(first, str):
            return np.array(["" if none else str(value) for value, none in zip(array, missing)])
        return np.array([np.nan if none else value for value, none in zip(array, missing)], dtype=np.float64)
    except (TypeError, ValueError) as error:
        refusal = TypeError if isinstance(error, TypeError) else UsageError
        raise refusal(f"{where}: expected numbers, texts or times, found {type(first).__name__} ({error})") from None


def _microseconds(times: Array, where: str) -> Array:
    missing = np.isnat(times)
    if missing.any():
        raise UsageError(f"{where}: expected a time in every row, found none in row {int(np.argmax(missing))}")
    exact = times.astype("datetime64[us]")
    if (exact != times).any():
        raise UsageError(f"{where}: expected times of whole microseconds, found finer ones")
    return exact.astype(np.int64)


class Frame:
    """A table, its columns by their names.

    Parameters
    ----------
    X
        The table, in any form.
    time : str
        The column of times, or what the index is called; empty: the index or the first column of dates.
    id : str
        The column that tells series apart, whose values are read as text.
    indexed : bool
        Whether times in an index are looked at.
    """

    def __init__(self, X: Any, *, time: str = "", id: str = "", name: str = "X", indexed: bool = True) -> None:
        self.X = X
        self.name = name
        self.time = time
        self.id = id
        self.dates: Any = None  # numpy's kind of the column of times, where they are no texts and no whole numbers
        self.zone: Any = None
        self.index = False  # the times were the index of a pandas table
        self.columns: dict[str, tuple[str, Any]] = {}  # what _core.Table reads: kinds and values by names
        self.names: dict[str, Any] = {}  # the values of `id` by their texts
        self.rows = 0
        if isinstance(X, (str, os.PathLike)):
            self.kind = "path"
            return
        if is_sparse(X):
            raise TypeError(f"{name}: sparse data was passed, expected a dense table (X.toarray())")
        self.kind, columns = self._columns_of(X, indexed)
        for column, values in columns:
            text = column_name(column)
            if text in self.columns:
                raise UsageError(f"{name}: expected columns of different names, found {text!r} twice")
            self.columns[text] = self._column(text, values)
        if not columns:
            raise UsageError(f"{name}: expected a table with columns, found 0 feature(s) (shape={np.shape(X)}) while a "
                             f"minimum of 1 is required.")
        self.rows = len(next(iter(self.columns.values()))[1])
        if self.rows == 0:
            raise UsageError(f"{name}: expected rows, found 0 sample(s) (no row)")

    @cached_property
    def core(self) -> _core.Table:
        """What the library reads: a file, or a copy of the columns."""
        if self.kind == "path":
            return _core.Table.from_file(os.fspath(self.X))
        return _core.Table(self.name, [(name, kind, values) for name, (kind, values) in self.columns.items()])

    def _columns_of(self, X: Any, indexed: bool) -> tuple[str, list[tuple[Any, Any]]]:
        if is_pandas(X):
            return "pandas", self._columns_of_pandas(X, indexed)
        if is_polars(X):
            if hasattr(X, "collect"):
                raise UsageError(f"{self.name}: expected a table, found a lazy one (X.collect() is one)")
            if not hasattr(X, "get_column"):  # a Series
                X = X.to_frame(X.name or "x0")
            return "polars", [(column, X.get_column(column)) for column in X.columns]
        if isinstance(X, Mapping):
            return "dict", list(X.items())
        array = as_array(X, self.name)
        if array.dtype.names:
            return "dict", [(column, array[column]) for column in array.dtype.names]
        if array.dtype.kind == "c":
            raise UsageError(f"{self.name}: expected real numbers, found complex ones. Complex data not supported")
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim != 2:
            raise UsageError(f"{self.name}: expected [T], [T, columns] or a table, found {array.ndim} dimensions")
        return "array", [(i, array[:, i]) for i in range(array.shape[1])]

    def _columns_of_pandas(self, X: Any, indexed: bool) -> list[tuple[Any, Any]]:
        if not hasattr(X, "columns"):  # a Series
            X = X.to_frame(0 if X.name is None else X.name)
        columns = [(column, X.iloc[:, i]) for i, column in enumerate(X.columns)]
        there = [column_name(column) for column, _ in columns]
        index = X.index.to_timestamp() if hasattr(X.index, "to_timestamp") else X.index
        dates = getattr(index.dtype, "kind", "") == "M"
        named = index.name is not None and index.name == self.time
        self.index = indexed and (dates or named) and self.time not in there
        if not self.index:
            return columns
        self.time = self.time or (index.name if isinstance(index.name, str) else "time")
        while self.time in there:
            self.time += "_"
        return [(self.time, index), *columns]

    def _column(self, name: str, values: Any) -> tuple[str, Any]:
        where = f"{self.name}, column {name!r}"
        values, zone = _without_zone(values)
        if is_pandas(values) and values.dtype.kind in "iufb" and hasattr(values.dtype, "na_value"):
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)  # whole numbers of which some may be missing
        array = as_array(values, where)
        if array.ndim != 1:
            raise UsageError(f"{where}: expected one value a row, found {array.ndim} dimensions")
        if array.dtype.kind == "O":
            array = _of_objects(array, where)
        if name == self.id:
            self.names = {str(value): value for value in array.tolist()}
            return "text", [str(value) for value in array.tolist()]
        if array.dtype.kind == "M":
            self.time = self.time or name
            if name == self.time:
                self.dates, self.zone = array.dtype, zone
            return self._times(_microseconds(array, where), zone)
        if array.dtype.kind == "U":
            return "text", array.tolist()
        if array.dtype.kind not in "biuf":
            raise UsageError(f"{where}: expected numbers, texts or times, found {array.dtype}")
        if name == self.time and array.dtype.kind in "iu":
            return "integer", array
        return "number", array.astype(np.float64)

    @staticmethod
    def _times(times: Array, zone: Any) -> tuple[str, Array]:
        form = "fraction" if (times % _SECOND).any() else "second" if (times % _DAY).any() else "date"
        if zone is not None:
            return "utc fraction" if form == "fraction" else "utc second", times
        return form, times

    def expect_numbers(self, columns: list[str], missing: bool) -> None:
        """Refuses what is no number in one of these columns (none: in all), and names its row.

        Parameters
        ----------
        missing : bool
            Numbers may be missing.
        """
        for name, (kind, values) in self.columns.items():
            if kind != "number" or (columns and name not in columns):
                continue
            wrong = np.isinf(values) if missing else ~np.isfinite(values)
            if wrong.any():
                row = int(np.argmax(wrong))
                instead = " (or missing='fill' or 'mask')" if np.isnan(values[row]) else ""
                found = "NaN" if np.isnan(values[row]) else "inf"
                raise UsageError(f"{self.name}, column {name!r}: expected a number in every row{instead}, found {found} "
                                 f"in row {row}")

    def count_from(self, row: int) -> None:
        """Puts empty rows before a table without times, whose rows are counted."""
        for name, (kind, values) in self.columns.items():
            empty = np.full(row, np.nan)
            self.columns[name] = (kind, np.concatenate([empty, values]) if kind == "number" else [""] * row + values)

    # Results

    def read_times(self, texts: list[str]) -> Array:
        """Times that the library wrote, in the kind of this table's; with a zone, those of UTC."""
        if self.dates is not None:
            return np.array([text.removesuffix("Z") for text in texts], dtype="datetime64[us]")
        try:
            return np.array([int(text) for text in texts], dtype=np.int64)
        except ValueError:
            return np.array(texts, dtype=object)

    def in_kind(self, times: Array, columns: dict[str, Any], own_rows: bool = False) -> Any:
        """Columns as a table of the kind that this one is, with these times, those of its own rows or others."""
        name = self.time or "time"
        if self.kind == "pandas":
            return self._in_pandas(name, times, columns, own_rows)
        if self.kind != "polars":
            return {name: times, **columns}
        import polars

        made = polars.DataFrame({name: times, **columns})
        if self.dates is None:
            return made
        time = polars.col(name)
        if self.zone is not None:
            time = time.dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone)
        return made.with_columns(time.cast(self.X.schema[self.time]))

    def _in_pandas(self, name: str, times: Array, columns: dict[str, Any], own_rows: bool) -> Any:
        import pandas

        made = pandas.DataFrame(columns)
        time: Any = pandas.Index(times)
        if self.dates is not None:
            time = time.as_unit(np.datetime_data(self.dates)[0])
            if self.zone is not None:
                time = time.tz_localize("UTC").tz_convert(self.zone)
            if hasattr(self.X.index, "to_timestamp"):
                time = time.to_period(self.X.index.freq)
        if self.index:
            made.index = time.rename(self.X.index.name)
            return made
        if own_rows:
            made.index = self.X.index
        made.insert(0, name, time)
        return made


__all__ = ["Frame", "column_name", "column_names"]
