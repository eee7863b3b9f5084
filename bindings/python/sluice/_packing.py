"""Sequences of different lengths as the packed rows that the library reads."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import FloatArray, as_array
from ._errors import UsageError


class Packing:
    """Padded sequences of lengths in any order as packed rows, the longest first, and back."""

    def __init__(self, lengths: Any, steps: int, batch: int) -> None:
        given = as_array(lengths, "lengths")
        good = given.dtype.kind in "iu" and given.shape == (batch,) and batch > 0
        if not good or given.min() < 1 or given.max() > steps:
            raise UsageError(f"lengths: expected {batch} whole numbers from 1 to {steps}, found {lengths!r:.60}")
        self.order = np.argsort(-given.astype(np.int64), kind="stable")
        self.sorted = given[self.order].astype(np.uint32)
        self.steps, self.batch = steps, batch
        active = [int(np.count_nonzero(self.sorted > t)) for t in range(int(self.sorted[0]))]
        self.rows = np.concatenate([t * batch + self.order[:count] for t, count in enumerate(active)])

    def pack(self, padded: FloatArray) -> FloatArray:
        packed: FloatArray = padded.reshape(self.steps * self.batch, -1)[self.rows]
        return packed

    def unpack(self, rows: FloatArray) -> FloatArray:
        padded = np.zeros((self.steps * self.batch, rows.shape[1]), dtype=np.float32)
        padded[self.rows] = rows
        return padded.reshape(self.steps, self.batch, -1)

    def sort_states(self, states: FloatArray | None) -> FloatArray | None:
        return None if states is None else np.ascontiguousarray(states[:, self.order])

    def unsort_states(self, states: FloatArray | None) -> FloatArray | None:
        if states is None:
            return None
        made = np.empty_like(states)
        made[:, self.order] = states
        return made


__all__ = ["Packing"]
