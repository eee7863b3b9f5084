"""Arrays of others: read where they are, where layout and type fit, and refused with a sentence where they are none."""

import array
import sys

import numpy as np
import pytest

import sluice
from sluice import nn
from sluice._arrays import floats, integers
from conftest import waves


class OnlyDLPack:
    """What has nothing but DLPack, as arrays of other libraries."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class Elsewhere(OnlyDLPack):
    def __dlpack_device__(self):
        return (2, 0)  # a graphics card

    def __dlpack__(self, **options):
        raise BufferError("not on a processor")


def address(x):
    return x.__array_interface__["data"][0]


@pytest.mark.parametrize("wrap", [lambda x: x, memoryview, OnlyDLPack])
def test_what_fits_is_not_copied(wrap):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert address(floats(wrap(x))) == address(x)
    tokens = np.arange(6, dtype=np.uint32)
    assert address(integers(tokens)) == address(tokens)


def test_what_fits_is_not_copied_on_its_way_into_a_layer():
    layer, x = nn.GRU(3, 5, seed=1), np.ones((4, 2, 3), np.float32)
    y, _ = layer(x)
    before = sys.getrefcount(x)
    layer(x)
    assert sys.getrefcount(x) == before  # one tape after the other holds the array itself
    x[:] = 5  # so that what it is changed to is what the gradient is of
    layer.backward(np.ones_like(y))
    assert layer.weight_ih_l0.grad is not None


@pytest.mark.parametrize("make", [
    lambda x: x.astype(np.float64), lambda x: x.astype(np.float16), lambda x: x.astype(np.int64),
    lambda x: x.astype(np.uint8), lambda x: x.astype(">f4"), lambda x: np.asfortranarray(x), lambda x: x[:, ::1].tolist(),
    lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x.astype(object), lambda x: x.astype(np.longdouble),
])
def test_what_does_not_fit_is_converted_once(make):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = floats(make(x))
    assert found.dtype == np.float32 and found.flags.c_contiguous and np.array_equal(found, x)


def test_the_buffer_protocol_is_enough():
    assert floats(array.array("f", [1, 2, 3])).tolist() == [1, 2, 3]


@pytest.mark.parametrize("wrong", [np.zeros(3, complex), np.array(["a"]), "text", b"bytes", object(), None, [[1], [2, 3]],
                                   {"a": 1}, np.array([object()]), np.array(["2020-01-01"], "M8[D]"), [1, "x"],
                                   Elsewhere(np.zeros(3, np.float32)), {1, 2}])
def test_what_is_none_is_refused(wrong):
    with pytest.raises(sluice.UsageError, match="x: expected"):
        floats(wrong)


@pytest.mark.parametrize("wrong", [[-1], [2**32], [1.5], ["a"], None])
def test_tokens_are_whole_numbers(wrong):
    with pytest.raises(sluice.UsageError, match="x: expected"):
        integers(wrong)


def test_pandas_and_polars_are_tables_of_numbers():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for table in (pandas.DataFrame(x), pandas.DataFrame(x).astype("float64"), polars.DataFrame(x)):
        assert np.array_equal(floats(table), x)
    assert np.array_equal(floats(pandas.Series(x[0])), x[0]) and np.array_equal(floats(polars.Series(x[0])), x[0])
    with pytest.raises(sluice.UsageError):
        floats(pandas.DataFrame({"a": ["x", "y"]}))
    X, y = waves(20)
    fitted = sluice.SequenceClassifier(hidden=4, epochs=2, random_state=0)
    of_arrays = fitted.fit(X, y).predict_proba(X)
    of_pandas = fitted.fit(pandas.DataFrame(X), pandas.Series(y)).predict_proba(pandas.DataFrame(X))
    assert np.array_equal(of_arrays, of_pandas)


def test_sparse_is_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(sluice.UsageError, match="sparse"):
        floats(sparse.eye(3))
