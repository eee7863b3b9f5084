"""sluice.nn: against plain NumPy and central differences, and the same bits whichever way it is run."""

import pickle
import threading

import numpy as np
import pytest

import sluice.nn
from sluice import nn

KINDS = [(nn.RNN, {}), (nn.RNN, {"nonlinearity": "relu"}), (nn.LSTM, {}), (nn.GRU, {}), (nn.GRU, {"reset_after": False})]


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def step(layer, x, state, suffix):
    """One step in double, as PyTorch's documentation has the equations."""
    w = {name: np.asarray(getattr(layer, name + suffix), np.float64) for name in
         ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    gates_x = x @ w["weight_ih"].T + w["bias_ih"]
    h = state[0]
    if isinstance(layer, nn.RNN):
        a = gates_x + h @ w["weight_hh"].T + w["bias_hh"]
        return (np.tanh(a) if layer.nonlinearity == "tanh" else np.maximum(a, 0),)
    if isinstance(layer, nn.LSTM):
        i, f, g, o = np.split(gates_x + h @ w["weight_hh"].T + w["bias_hh"], 4, axis=1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    size = layer.hidden_size
    xr, xz, xn = np.split(gates_x, 3, axis=1)
    hr, hz, hn = np.split(h @ w["weight_hh"].T + w["bias_hh"], 3, axis=1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    if layer.reset_after:
        n = np.tanh(xn + r * hn)
    else:
        n = np.tanh(xn + (r * h) @ w["weight_hh"][2 * size :].T + w["bias_hh"][2 * size :])
    return ((1 - z) * n + z * h,)


def reference(layer, x, states, lengths):
    """[T, B, I] in double; what stands after a sequence's end is left out."""
    directions = 2 if layer.bidirectional else 1
    steps, batch, _ = x.shape
    last = [np.array(state, np.float64) for state in states]
    for l in range(layer.num_layers):
        outputs = []
        for d in range(directions):
            suffix, k = f"_l{l}" + ("_reverse" if d else ""), l * directions + d
            y = np.zeros((steps, batch, layer.hidden_size))
            for b in range(batch):
                state = tuple(s[k, b][None] for s in last)
                order = range(lengths[b])
                for t in reversed(order) if d else order:
                    state = step(layer, x[t, b][None], state, suffix)
                    y[t, b] = state[0]
                for s, value in zip(last, state):
                    s[k, b] = value[0]
            outputs.append(y)
        x = np.concatenate(outputs, axis=2)
    return x, last


def make(kind, arguments, layers, bidirectional, lengths):
    layer = kind(3, 5, num_layers=layers, bidirectional=bidirectional, seed=1, **arguments)
    rng = np.random.default_rng(2)
    x = rng.normal(size=(max(lengths), len(lengths), 3)).astype(np.float32)
    shape = (layers * (2 if bidirectional else 1), len(lengths), 5)
    states = [rng.normal(size=shape).astype(np.float32) * 0.5 for _ in range(2 if kind is nn.LSTM else 1)]
    return layer, x, states


def given(states):
    return tuple(states) if len(states) == 2 else states[0]


def taken(states):
    return list(states) if isinstance(states, tuple) else [states]


@pytest.mark.parametrize("kind, arguments", KINDS)
@pytest.mark.parametrize("layers, bidirectional", [(1, False), (2, True)])
@pytest.mark.parametrize("lengths", [[6, 6, 6], [2, 6, 1, 4]])
def test_forward_equals_the_equations(kind, arguments, layers, bidirectional, lengths):
    layer, x, states = make(kind, arguments, layers, bidirectional, lengths)
    y, last = layer(x, given(states), lengths=lengths if len(set(lengths)) > 1 else None)
    expected, expected_last = reference(layer, x.astype(np.float64), states, lengths)
    assert np.abs(y - expected).max() < 2e-6
    for found, right in zip(taken(last), expected_last):
        assert np.abs(found - right).max() < 2e-6


@pytest.mark.parametrize("kind, arguments", KINDS)
@pytest.mark.parametrize("lengths", [[4, 4], [3, 1, 4]])
def test_backward_equals_central_differences(kind, arguments, lengths):
    layer, x, states = make(kind, arguments, 2, True, lengths)
    rng = np.random.default_rng(3)
    _, last = layer(x, given(states), lengths=lengths)
    dy = rng.normal(size=(max(lengths), len(lengths), 10)).astype(np.float32)
    for b, length in enumerate(lengths):
        dy[length:, b] = 0
    d_last = [rng.normal(size=state.shape).astype(np.float32) for state in taken(last)]
    dx = layer.backward(dy, given(d_last))

    def loss():
        y, ends = reference(layer, x.astype(np.float64), states, lengths)
        return (y * dy).sum() + sum((end * d).sum() for end, d in zip(ends, d_last))

    def slope(array, at):
        kept, eps = array[at].copy(), 1e-3
        array[at] = kept + eps
        up = loss()
        array[at] = kept - eps
        down = loss()
        array[at] = kept
        return (up - down) / (2 * eps)

    checked = [(x, dx)] + list(zip(states, taken(layer.dh_0))) + [(p, p.grad) for p in layer.parameters()]
    for values, gradient in checked:
        assert gradient.shape == values.shape
        for _ in range(6):
            at = tuple(rng.integers(n) for n in values.shape)
            assert gradient[at] == pytest.approx(slope(values, at), rel=5e-3, abs=2e-3)


def test_gradients_add_up_until_they_are_forgotten():
    layer = nn.GRU(2, 4, seed=0)
    x, dy = np.ones((3, 2, 2), np.float32), np.ones((3, 2, 4), np.float32)
    for _ in range(2):
        layer(x)
        layer.backward(dy)
    twice = layer.weight_hh_l0.grad
    layer.zero_grad()
    assert layer.weight_hh_l0.grad is None
    layer(x)
    layer.backward(dy)
    assert np.allclose(twice, 2 * layer.weight_hh_l0.grad)


def test_weights_changed_in_place_are_seen():
    layer, x = nn.LSTM(2, 4, seed=0), np.ones((3, 2, 2), np.float32)
    before = layer(x)[0]
    layer.weight_ih_l0 *= 2
    assert not np.array_equal(layer(x)[0], before)
    layer.weight_ih_l0 *= 0.5
    assert np.array_equal(layer(x)[0], before)


def test_gradient_descent_learns():
    layer = nn.GRU(1, 8, seed=0)
    x = np.random.default_rng(0).normal(size=(10, 16, 1)).astype(np.float32)
    target = np.cumsum(x, axis=0) * 0.1
    losses = []
    for _ in range(60):
        y, _ = layer(x)
        error = y[..., :1] - target
        losses.append(float((error**2).mean()))
        dy = np.zeros_like(y)
        dy[..., :1] = 2 * error / error.size
        layer.zero_grad()
        layer.backward(dy)
        for parameter in layer.parameters():
            parameter -= 1.0 * parameter.grad
    assert losses[-1] < losses[0] / 3


def test_layouts_and_single_sequences_are_the_same_numbers():
    x = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(np.float32)
    plain, first = nn.GRU(3, 5, seed=1), nn.GRU(3, 5, seed=1, batch_first=True)
    y, h = plain(x)
    other, other_h = first(x.swapaxes(0, 1))
    assert np.array_equal(other.swapaxes(0, 1), y) and np.array_equal(h, other_h)
    one, one_h = plain(x[:, 2])
    assert np.array_equal(one, y[:, 2]) and np.array_equal(one_h, h[:, 2])
    dy = np.ones_like(y)
    plain(x)
    first(x.swapaxes(0, 1))
    assert np.array_equal(plain.backward(dy), first.backward(dy.swapaxes(0, 1)).swapaxes(0, 1))
    assert np.array_equal(plain.eval()(x)[0], y)


def test_a_sequence_in_a_batch_has_the_bits_that_it_has_alone():
    layer = nn.LSTM(3, 7, num_layers=2, bidirectional=True, seed=1).eval()
    x = np.random.default_rng(0).normal(size=(9, 5, 3)).astype(np.float32)
    lengths = [4, 9, 1, 9, 6]
    y, (h, c) = layer(x, lengths=lengths)
    for b, length in enumerate(lengths):
        alone, (h_alone, _) = layer(x[:length, b])
        assert np.array_equal(y[:length, b], alone) and not y[length:, b].any()
        assert np.array_equal(h[:, b], h_alone)


def test_threads_change_no_bit():
    x = np.random.default_rng(0).normal(size=(20, 8, 32)).astype(np.float32)
    found = []
    try:
        for threads in (1, 2, 3):
            sluice.set_num_threads(threads)
            assert sluice.get_num_threads() == threads
            layer = nn.GRU(32, 64, seed=1)
            y, _ = layer(x)
            found.append((y, layer.backward(np.ones_like(y)), layer.weight_hh_l0.grad))
    finally:
        sluice.set_num_threads(0)
    for one in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(one, found[0]))


def test_several_threads_use_one_layer():
    layer = nn.GRU(8, 16, seed=1).eval()
    x = np.random.default_rng(0).normal(size=(50, 4, 8)).astype(np.float32)
    expected, wrong = layer(x)[0], []

    def run():
        for _ in range(20):
            if not np.array_equal(layer._layers.forward(x, [np.asarray(p) for p in layer.parameters()], None, None, None,
                                                        True, 0)[0], expected):
                wrong.append(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_dropout_is_at_work_in_training_alone():
    layer, x = nn.GRU(3, 5, num_layers=2, dropout=0.5, seed=1), np.ones((4, 3, 3), np.float32)
    assert not np.array_equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert np.array_equal(layer(x)[0], layer(x)[0])
    again = nn.GRU(3, 5, num_layers=2, dropout=0.5, seed=1)
    other = nn.GRU(3, 5, num_layers=2, dropout=0.5, seed=1)
    assert np.array_equal(again(x)[0], other(x)[0])


def test_state_dicts_and_pickles():
    layer = nn.GRU(3, 5, num_layers=2, bidirectional=True, seed=1)
    state = layer.state_dict()
    assert list(state)[:5] == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse"]
    other = nn.GRU(3, 5, num_layers=2, bidirectional=True, seed=2)
    other.load_state_dict(state)
    x = np.ones((2, 2, 3), np.float32)
    assert np.array_equal(other(x)[0], layer(x)[0])
    assert np.array_equal(pickle.loads(pickle.dumps(layer))(x)[0], layer(x)[0])
    with pytest.raises(sluice.UsageError, match="found no bias_hh_l0"):
        other.load_state_dict({name: value for name, value in state.items() if name != "bias_hh_l0"})
    with pytest.raises(sluice.UsageError, match="besides"):
        other.load_state_dict({**state, "more": np.zeros(1)})
    with pytest.raises(sluice.UsageError, match="expected the shape"):
        other.load_state_dict({**state, "bias_hh_l0": np.zeros(3)})


@pytest.mark.parametrize("cell, layer", [(nn.RNNCell, nn.RNN), (nn.LSTMCell, nn.LSTM), (nn.GRUCell, nn.GRU)])
def test_cells_are_layers_of_one_step(cell, layer):
    one, all_of_it = cell(3, 5, seed=1), layer(3, 5, seed=1)
    x = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32)
    y, _ = all_of_it(x)
    state = None
    for t in range(4):
        state = one(x[t], state)
        assert np.array_equal(taken(state)[0], y[t])
    dx, dh = one.backward(given([np.ones_like(s) for s in taken(state)]))
    assert dx.shape == (2, 3) and taken(dh)[0].shape == (2, 5)
    assert one.weight_ih.grad.shape == one.weight_ih.shape
    assert list(one.state_dict()) == ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    # A single sequence, without a dimension for the batch.
    y = one(x[0])
    alone = taken(one(x[0, 1]))
    assert alone[0].shape == (5,) and np.allclose(alone[0], taken(y)[0][1], atol=1e-6)
    dx, dh = one.backward(given([np.ones_like(s) for s in alone]))
    assert dx.shape == (3,) and taken(dh)[0].shape == (5,)


def test_the_plain_cell_takes_its_nonlinearity_where_pytorchs_does():
    x = np.full((2, 3), -9, np.float32)
    assert nn.RNNCell(3, 5, True, "relu", seed=1)(x).min() == 0 > nn.RNNCell(3, 5, True, seed=1)(x).min()


def test_weights_are_assigned():
    layer, cell, x = nn.GRU(3, 5, seed=1), nn.GRUCell(3, 5, seed=1), np.ones((1, 2, 3), np.float32)
    expected = layer(x)[0][0]
    assert np.array_equal(cell(x[0]), expected)
    for module, names in ((layer, ["weight_ih_l0", "bias_hh_l0"]), (cell, ["weight_ih", "bias_hh"])):
        for name in names:
            setattr(module, name, 2.0 * np.asarray(getattr(module, name), np.float64))
    changed = layer(x)[0][0]
    assert np.array_equal(cell(x[0]), changed) and not np.array_equal(changed, expected)
    cell.weight_hh = cell.weight_hh * 2
    assert cell.state_dict()["weight_hh"][0, 0] == 2 * layer.weight_hh_l0[0, 0]
    layer(x)
    layer.backward(np.ones((1, 2, 5)))
    assert layer.weight_ih_l0.grad.shape == (15, 3)
    layer.weight_ih_l0 -= 0.1 * layer.weight_ih_l0.grad
    with pytest.raises(sluice.UsageError, match=r"weight_ih_l0: expected the shape \(15, 3\), found \(3, 15\)"):
        cell.weight_ih = np.zeros((3, 15))
    with pytest.raises(sluice.UsageError, match="bias_hh_l0: expected"):
        layer.bias_hh_l0 = "text"


@pytest.mark.parametrize("wrong", [
    lambda: nn.GRU(0, 3), lambda: nn.GRU(3, -1), lambda: nn.GRU(3, 2.5), lambda: nn.GRU("3", 3), lambda: nn.GRU(3, True),
    lambda: nn.GRU(3, 3, num_layers=0), lambda: nn.GRU(3, 3, dropout=1.0), lambda: nn.GRU(3, 3, dropout=-0.1),
    lambda: nn.RNN(3, 3, nonlinearity="sinus"),
    lambda: nn.GRU(3, 5)(np.zeros((2, 2, 4))), lambda: nn.GRU(3, 5)(np.zeros((2, 2, 2, 3))), lambda: nn.GRU(3, 5)("x"),
    lambda: nn.GRU(3, 5)(None), lambda: nn.GRU(3, 5)(np.zeros((0, 2, 3))), lambda: nn.GRU(3, 5)(np.zeros((2, 0, 3))),
    lambda: nn.GRU(3, 5)(np.zeros((2, 2, 3)), np.zeros((1, 2, 4))), lambda: nn.GRU(3, 5)(np.zeros((2, 2, 3)), "x"),
    lambda: nn.LSTM(3, 5)(np.zeros((2, 2, 3)), np.zeros((1, 2, 5))),
    lambda: nn.GRU(3, 5)(np.zeros((2, 2, 3)), lengths=[2]), lambda: nn.GRU(3, 5)(np.zeros((2, 2, 3)), lengths=[0, 2]),
    lambda: nn.GRU(3, 5)(np.zeros((2, 2, 3)), lengths=[3, 2]), lambda: nn.GRU(3, 5)(np.zeros((2, 2, 3)), lengths="ab"),
    lambda: nn.GRU(3, 5)(np.zeros((2, 2, 3)), lengths=[1.5, 2]),
    lambda: nn.GRU(3, 5).backward(np.zeros((2, 2, 5))), lambda: nn.GRUCell(3, 5)(np.zeros((2, 2, 3))),
    lambda: nn.GRU(3, 5)(np.zeros((2, 2, 3)), like="tensorflow"), lambda: nn.GRU(3, 5, reset_after=False).to_torch(),
])
def test_what_is_wrong_is_an_exception(wrong):
    with pytest.raises((sluice.Error, ModuleNotFoundError)):
        wrong()


def test_a_wrong_gradient_is_an_exception():
    layer = nn.GRU(3, 5)
    for wrong in (np.zeros((2, 2, 4)), np.zeros((3, 2, 5)), "x", None):
        layer(np.zeros((2, 2, 3)))
        with pytest.raises(sluice.Error):
            layer.backward(wrong)
    layer(np.zeros((2, 2, 3)))
    with pytest.raises(sluice.Error):
        layer.weight_hh_l0 = np.zeros((3, 3), np.float32)
