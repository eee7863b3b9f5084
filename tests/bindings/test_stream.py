"""Streams: steps, states as bytes, threads, arrays that are read where they are."""

import copy
import pickle
import threading

import numpy as np
import pytest

import sluice
from conftest import numbers_core


def rows(steps=7, inputs=3):
    return np.random.default_rng(0).normal(size=(steps, inputs)).astype(np.float32)


def test_steps_chunks_and_predict_have_the_same_bits(numbers_model):
    x = rows()
    stream = numbers_model.stream()
    stepped = np.stack([stream.step(one) for one in x])
    assert np.array_equal(stepped, numbers_model.stream().feed(x))
    assert np.array_equal(stepped, numbers_model.predict(x[None])[0])
    assert np.array_equal(stream.probabilities, stepped[-1])


def test_a_step_gives_a_new_array_or_fills_a_given_one(numbers_model):
    stream, x = numbers_model.stream(), rows()
    first = stream.step(x[0])
    kept = first.copy()
    second = stream.step(x[1])
    assert np.array_equal(first, kept) and not np.shares_memory(first, second)
    out = np.empty(2, np.float32)
    assert stream.step(x[2], out=out) is None
    assert np.array_equal(out, stream.probabilities)
    for wrong in (np.empty(3, np.float32), np.empty(2), np.empty(4, np.float32)[::2], None, [0, 0]):
        with pytest.raises((ValueError, TypeError)):
            stream.step(x[0], out=wrong)
    assert np.array_equal(numbers_model.streams(1).step(x[:1], like="numpy")[0], numbers_model.stream().step(x[0], like=None))
    with pytest.raises(sluice.UsageError, match="like: expected numpy, torch or jax, found 'tensorflow'"):
        stream.step(x[0], like="tensorflow")
    assert np.array_equal(out, stream.probabilities)  # which was refused before it stepped
    frozen = np.empty(2, np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="writable"):
        stream.step(x[0], out=frozen)


@pytest.mark.parametrize("make", [lambda x: x.tolist(), lambda x: x.astype(float), lambda x: np.repeat(x, 2)[::2],
                                  lambda x: x.astype(">f4"), lambda x: memoryview(x), lambda x: tuple(x)])
def test_a_step_takes_whatever_is_numbers(numbers_model, make):
    x = rows()[0]
    assert np.array_equal(numbers_model.stream().step(make(x)), numbers_model.stream().step(x))


@pytest.mark.parametrize("wrong", [np.zeros(2, np.float32), np.zeros(4, np.float32), np.zeros((1, 3), np.float32), "abc",
                                   None, 3, 1.5, [1, 2, "x"], [[1], [2, 3]], np.zeros(3, complex), object(), b"123",
                                   np.array(["a", "b", "c"])])
def test_a_wrong_step_is_an_exception_and_no_step(numbers_model, wrong):
    stream = numbers_model.stream()
    stream.step(rows()[0])
    before = bytes(stream.state)
    with pytest.raises((sluice.Error, TypeError)):
        stream.step(wrong)
    assert bytes(stream.state) == before


def test_a_state_goes_through_bytes(numbers_model):
    x, stream = rows(), numbers_model.stream()
    stream.feed(x[:4])
    blob = bytes(stream.state)
    goes_on = stream.feed(x[4:])
    for state in (blob, bytearray(blob), memoryview(blob), sluice.State(blob), pickle.loads(pickle.dumps(sluice.State(blob)))):
        assert np.array_equal(numbers_model.stream(state=state).feed(x[4:]), goes_on)
    again = numbers_model.stream()
    again.state = blob
    assert again.state == sluice.State(blob) and again.state != stream.state
    (h,), = again.state.layers
    assert h.shape == (1, 8)


def test_wrong_states_are_refused(numbers_model):
    blob = bytes(numbers_model.stream().state)
    other = sluice.Model(sluice._core.make_model({"inputs": 3, "outputs": 2, "hidden": 8}, 2))
    with pytest.raises(sluice.UsageError, match="one of another"):
        other.stream(state=blob)
    for wrong in (b"", b"x", blob[:-1], blob + b"x", blob[:50] + b"\1" + blob[51:], "text", 3, 1.5, [300]):
        with pytest.raises(sluice.Error):
            numbers_model.stream(state=wrong)


def test_what_is_not_finite_is_gone_with_the_state(numbers_model):
    x, stream = rows(), numbers_model.stream()
    stream.step(x[0])
    good = stream.state
    stream.step(x[1])
    expected = stream.probabilities
    for recover in (stream.reset, lambda: setattr(stream, "state", good)):
        stream.step([np.nan, 0, 0])
        assert not stream.finite
        recover()
        assert stream.finite and not stream.probabilities.any()
    assert np.array_equal(stream.step(x[1]), expected)


def test_streams_of_text(model):
    stream = model.stream()
    stream.begin()
    assert stream.step("Ada") is None and stream.probabilities.sum() == pytest.approx(1, abs=1e-5)
    token, p = stream.top(1)[0]
    assert p == pytest.approx(stream.probabilities.max()) and token in model.vocabulary
    other = model.stream()
    other.begin()
    other.step(int(model.encode("Ada")[0]))
    assert other.state == stream.state
    third = model.stream()
    third.begin()
    third.feed("Ada")
    assert third.state == stream.state
    fourth = model.stream()
    fourth.begin()
    fourth.feed(model.encode("Ada"))
    assert fourth.state == stream.state
    assert 0 <= stream.sample(random=0.5, temperature=0.7) < len(model.vocabulary)
    for wrong in (-1, 10**6, 1.5, None, b"Ada"):
        with pytest.raises((sluice.Error, TypeError)):
            stream.step(wrong)
    with pytest.raises(sluice.Error):
        stream.feed([10**6])
    with pytest.raises(sluice.Error):
        stream.sample(random=2.0)


def test_many_streams_step_together(numbers_model, model):
    x = rows(5)
    batch = numbers_model.streams(5)
    y = batch.step(x)
    assert len(batch) == 5
    for i, one in enumerate(x):
        alone = numbers_model.stream()
        assert np.array_equal(alone.step(one), y[i])
        assert batch.state(i) == alone.state
    batch.set_state(0, batch.state(1))
    batch.reset(2)
    batch.reset()
    for wrong in (x[:4], x[:, :2], "x", None):
        with pytest.raises((sluice.Error, TypeError)):
            batch.step(wrong)
    for bad in (lambda: batch.state(5), lambda: batch.reset(5), lambda: batch.set_state(9, b""),
                lambda: numbers_model.streams(0)):
        with pytest.raises(sluice.Error):
            bad()
    assert model.streams(2).step(np.array([1, 2])).shape == (2, len(model.vocabulary))


def test_a_stream_outlives_its_model():
    model = sluice.Model(numbers_core())
    stream = model.stream()
    expected = model.stream().step(rows()[0])
    del model
    assert np.array_equal(stream.step(rows()[0]), expected)


def test_two_threads_on_one_stream_are_refused_and_never_a_crash():
    stream = sluice.Stream(numbers_core(inputs=64, outputs=64, hidden=256))
    x = np.zeros((2000, 64), np.float32)
    refused, errors = [], []

    def feed():
        for _ in range(10):
            try:
                stream.feed(x)
            except sluice.UsageError as error:
                refused.append(str(error))
            except BaseException as error:  # noqa: B036
                errors.append(error)

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and refused and all("one thread at a time" in text for text in refused)


def test_streams_cannot_be_copied_by_chance(numbers_model):
    with pytest.raises(TypeError):
        copy.copy(numbers_model.stream())
