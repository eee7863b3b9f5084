"""Arrays of others as C-contiguous arrays of NumPy: without a copy where type and layout fit.

Taken are NumPy's arrays, whatever has DLPack (PyTorch, JAX, ...) or the buffer protocol, tables of pandas and polars by
their ``to_numpy``, and lists of numbers. float64 and integers are converted to float32, once.
"""

from __future__ import annotations

import sys
from typing import Any, Callable

import numpy as np

from ._errors import UsageError

FloatArray = np.ndarray[Any, np.dtype[np.float32]]


def _kind(x: Any) -> str:
    return f"{type(x).__module__}.{type(x).__qualname__}".removeprefix("builtins.")


def is_sparse(x: Any) -> bool:
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(x))


def as_array(x: Any, name: str = "x") -> np.ndarray[Any, Any]:
    """`x` as an array of NumPy of whatever type, without a copy where that can be."""
    if isinstance(x, np.ndarray):
        return x
    if x is None or isinstance(x, (str, bytes)):
        raise UsageError(f"{name}: expected an array of numbers, found {x!r:.60}")
    if is_sparse(x):
        raise UsageError(f"{name}: expected a dense array, found a sparse one (its .toarray() is dense)")
    try:
        if hasattr(x, "to_numpy"):  # pandas, polars
            return np.asarray(x.to_numpy())
        if hasattr(x, "detach") and hasattr(x, "requires_grad"):  # PyTorch
            x = x.detach()
        if hasattr(x, "__dlpack__") and not hasattr(x, "__array_interface__"):
            return np.from_dlpack(x)
        return np.asarray(x)
    except (TypeError, ValueError, BufferError, RuntimeError) as error:
        raise UsageError(f"{name}: expected an array of numbers, found {_kind(x)} ({error})") from None


def _numbers(x: Any, name: str) -> np.ndarray[Any, Any]:
    """`x` as real numbers of NumPy's, of whatever type."""
    array = as_array(x, name)
    if array.dtype.kind == "O":  # a table of columns that differ, or a list of numbers of Python's own
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{name}: expected numbers, found {_kind(x)} of other things ({error})") from None
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{name}: expected real numbers, found {_kind(x)} of {array.dtype}")
    return array


def floats(x: Any, name: str = "x") -> FloatArray:
    """`x` as C-contiguous float32: the same array where it is that, else converted."""
    array = _numbers(x, name)
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32) if array.ndim else array.astype(np.float32)


def doubles(x: Any, name: str = "x") -> np.ndarray[Any, np.dtype[np.float64]]:
    """`x` as C-contiguous float64."""
    return np.ascontiguousarray(_numbers(x, name), dtype=np.float64)


def whole_numbers(x: Any, name: str = "x") -> np.ndarray[Any, np.dtype[np.int64]]:
    """`x` as C-contiguous int64."""
    array = as_array(x, name)
    if array.dtype.kind not in "iu" or (array.dtype == np.uint64 and array.size and array.max() >= 2**63):
        raise UsageError(f"{name}: expected whole numbers of 64 bits, found {_kind(x)} of {array.dtype}")
    return np.ascontiguousarray(array, dtype=np.int64)


def integers(x: Any, name: str = "x") -> np.ndarray[Any, np.dtype[np.uint32]]:
    """`x` as C-contiguous uint32."""
    array = as_array(x, name)
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise UsageError(f"{name}: expected whole numbers, found {_kind(x)} of {array.dtype}")
    if array.size and (array.min() < 0 or array.max() > 0xFFFFFFFF):
        raise UsageError(f"{name}: expected numbers from 0 to 4294967295, found {array.min()} to {array.max()}")
    return np.ascontiguousarray(array, dtype=np.uint32)


def converter(kind: str | None) -> Callable[[Any], Any]:
    """What makes an array of NumPy one of ``"torch"`` or ``"jax"``, which share its memory; None: leaves it as it is."""
    if kind is None or kind == "numpy":
        return lambda array: array
    if kind == "torch":
        import torch

        return torch.from_numpy
    if kind == "jax":
        import jax.numpy

        return jax.numpy.asarray
    raise UsageError(f"like: expected numpy, torch or jax, found {kind!r:.60}")


def like(array: np.ndarray[Any, Any], kind: str | None) -> Any:
    """An array of NumPy as `converter` makes it."""
    return converter(kind)(array)
