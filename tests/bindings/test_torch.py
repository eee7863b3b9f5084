"""sluice.torch in the place of torch.nn, and weights from and to it. Skipped where PyTorch is not there."""

import copy
import itertools
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import sluice  # noqa: E402
import sluice.torch  # noqa: E402
from conftest import numbers_core  # noqa: E402
from sluice import nn  # noqa: E402

KINDS = ["RNN", "LSTM", "GRU"]
LENGTHS = torch.tensor([3, 9, 1, 6])


def close(found, expected, bound=2e-5):
    found, expected = (value.detach().numpy() if torch.is_tensor(value) else value for value in (found, expected))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= bound * (1 + np.abs(expected).max())


def pair(kind, *arguments, **options):
    torch.manual_seed(0)
    theirs = getattr(torch.nn, kind)(*arguments, **options)
    ours = getattr(sluice.torch, kind)(*arguments, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def states(kind, shape):
    made = [torch.randn(shape, requires_grad=True) for _ in range(2 if kind == "LSTM" else 1)]
    return tuple(made) if len(made) == 2 else made[0]


def both(state):
    return state if isinstance(state, tuple) else (state,)


def pack(x, batch_first):
    return torch.nn.utils.rnn.pack_padded_sequence(x, LENGTHS, batch_first=batch_first, enforce_sorted=False)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind, layers, bidirectional, bias, batch_first",
                         itertools.product(KINDS, [1, 2], [False, True], [True, False], [False, True]))
def test_outputs_and_every_gradient_are_pytorchs(kind, layers, bidirectional, bias, batch_first, packed):
    theirs, ours = pair(kind, 5, 7, layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional)
    x = torch.randn(4, 9, 5) if batch_first else torch.randn(9, 4, 5)
    first = states(kind, (layers * (2 if bidirectional else 1), 4, 7))
    weights = [torch.randn_like(s) for s in both(first)]
    found = []
    for layer in (theirs, ours):
        inputs = x.clone().requires_grad_()
        begin = tuple(s.detach().clone().requires_grad_() for s in both(first))
        hx = begin if kind == "LSTM" else begin[0]
        y, last = layer(pack(inputs, batch_first) if packed else inputs, hx)
        if packed:
            y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=batch_first)
        torch.manual_seed(1)
        loss = (y * torch.randn_like(y)).sum() + sum((s * w).sum() for s, w in zip(both(last), weights))
        loss.backward()
        found.append([y, *both(last), inputs.grad, *(s.grad for s in begin), *(p.grad for p in layer.parameters())])
    for one, other in zip(found[1], found[0]):
        close(one, other, 1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_go_from_torch_and_back(kind):
    theirs, _ = pair(kind, 5, 7, 2, bidirectional=True)
    layer = getattr(nn, kind).from_torch(theirs)
    x = torch.randn(9, 4, 5)
    y, _ = layer(x)
    close(y, theirs(x)[0])
    assert torch.is_tensor(layer(x, like="torch")[0])
    again = layer.to_torch()
    for name, value in theirs.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    if kind == "LSTM":
        with pytest.raises(sluice.UsageError, match="proj_size"):
            nn.LSTM.from_torch(torch.nn.LSTM(4, 6, proj_size=2))


def test_tensors_are_not_copied():
    x = torch.ones(3, 4)
    assert sluice._arrays.floats(x).__array_interface__["data"][0] == x.data_ptr()
    with pytest.raises(sluice.UsageError):
        sluice._arrays.floats(torch.ones(3, dtype=torch.complex64))


def test_a_training_loop_learns_the_same():
    theirs, ours = pair("GRU", 4, 16)
    losses = []
    for layer in (theirs, ours):
        torch.manual_seed(2)
        head = torch.nn.Linear(16, 1)
        optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=1e-2)
        x = torch.randn(12, 8, 4)
        for _ in range(20):
            loss = ((head(layer(x)[0]) - x.cumsum(0).mean(2, keepdim=True)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_two_passes_wait_for_their_way_back():
    theirs, ours = pair("LSTM", 3, 5)
    x = torch.randn(4, 2, 3)
    grads = []
    for layer in (theirs, ours):
        first, state = layer(x)
        second, _ = layer(x * 2, state)
        third, _ = layer(x * 3)
        (first.sum() + (second * second).sum() + third.sum()).backward()
        grads.append([p.grad.clone() for p in layer.parameters()])
    for one, other in zip(grads[1], grads[0]):
        close(one, other, 1e-4)


def test_going_back_twice_is_refused():
    _, layer = pair("GRU", 3, 5)
    y, _ = layer(torch.randn(4, 2, 3, requires_grad=True))
    y.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="once"):
        y.sum().backward()


def test_an_input_changed_before_the_way_back_is_noticed():
    _, layer = pair("GRU", 3, 5)
    x = torch.randn(4, 2, 3)
    y, _ = layer(x)
    x += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_what_does_not_suit_is_left_to_pytorch():
    for options, dtype in (({"proj_size": 2}, torch.float32), ({}, torch.float64)):
        theirs, ours = pair("LSTM", 3, 5, **options)
        x = torch.randn(4, 2, 3, dtype=dtype)
        close(ours.to(dtype)(x)[0], theirs.to(dtype)(x)[0], 1e-6)
    with pytest.raises(RuntimeError):
        pair("GRU", 3, 5)[1](torch.zeros(2, 2, 2, 3))
    with pytest.raises((RuntimeError, sluice.Error)):
        pair("GRU", 3, 5)[1](torch.zeros(2, 2, 4))


def test_copies_and_pickles_and_modes():
    theirs, layer = pair("GRU", 3, 5, 2, dropout=0.5)
    x = torch.randn(4, 2, 3)
    layer(x)
    assert isinstance(layer, torch.nn.GRU)
    layer.eval()
    theirs.eval()
    close(layer(x)[0], theirs(x)[0])
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(x)[0], layer(x)[0])
    layer.train()
    torch.manual_seed(5)
    one = layer(x)[0]
    torch.manual_seed(5)
    assert torch.equal(one, layer(x)[0]) and not torch.equal(layer(x)[0], one)
    with torch.no_grad():
        assert not layer.eval()(x)[0].requires_grad
    assert layer(x)[0].requires_grad  # in evaluation mode too


def test_dropout_changed_later_is_seen():
    _, layer = pair("GRU", 3, 5, 2, dropout=0.5)
    x = torch.randn(4, 2, 3)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.dropout = 0.0
    assert torch.equal(layer(x)[0], layer(x)[0])
    layer.dropout = 0.9
    torch.manual_seed(5)
    more = layer(x)[0]
    layer.dropout = 0.5
    torch.manual_seed(5)
    assert not torch.equal(layer(x)[0], more)


def test_torch_functions_see_gradients_by_finite_differences():
    layer = sluice.torch.GRU(2, 3)
    x = torch.randn(3, 2, 2, requires_grad=True)
    y, _ = layer(x)
    y.sum().backward()
    with torch.no_grad():
        for at in ((0, 0, 0), (2, 1, 1)):
            moved = x.clone()
            moved[at] += 1e-2
            back = x.clone()
            back[at] -= 1e-2
            slope = (layer(moved)[0].double().sum() - layer(back)[0].double().sum()) / 2e-2
            assert x.grad[at].item() == pytest.approx(slope.item(), rel=2e-2, abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_others_put_in_the_place_of_the_layers_own_count(kind):
    theirs, ours = pair(kind, 5, 7)
    x = torch.randn(6, 4, 5)
    other = {name: 2 * value for name, value in theirs.state_dict().items()}
    close(torch.func.functional_call(ours, other, (x,))[0], torch.func.functional_call(theirs, other, (x,))[0])
    found = []
    for layer in (theirs, ours):
        torch.nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
        layer(x)[0].sum().backward()
        found.append({name: weight.grad for name, weight in layer.named_parameters()})
    for name, gradient in found[0].items():
        close(found[1][name], gradient)


@pytest.mark.parametrize("kind", KINDS)
def test_transforms_of_functions_are_left_to_pytorch(kind):
    theirs, ours = pair(kind, 5, 7)
    x = torch.randn(3, 6, 4, 5)

    def gradients(layer):
        weights = dict(layer.named_parameters())
        return torch.func.grad(lambda w: torch.func.functional_call(layer, w, (x[0],))[0].sum())(weights)

    expected = gradients(theirs)
    for name, gradient in gradients(ours).items():
        close(gradient, expected[name])


def test_states_in_other_containers():
    theirs, ours = pair("LSTM", 5, 7)
    x, h = torch.randn(6, 4, 5), torch.randn(2, 1, 4, 7)
    close(ours(x, list(h))[0], theirs(x, list(h))[0])
    for hx in (h[0], (h[0],)):
        with pytest.raises(RuntimeError, match="LSTM: expected the pair"):
            ours(x, hx)
    with pytest.raises(RuntimeError, match="GRU: expected a tensor as hx, found tuple"):
        sluice.torch.GRU(5, 7)(x, (h[0],))


@pytest.mark.parametrize("kind", KINDS)
def test_cells_come_from_pytorch_and_go_there(kind):
    theirs = getattr(torch.nn, f"{kind}Cell")(5, 7, **({"nonlinearity": "relu"} if kind == "RNN" else {}))
    ours = getattr(nn, f"{kind}Cell").from_torch(theirs)
    for x in (torch.randn(4, 5), torch.randn(5)):
        expected = both(theirs(x, None))
        for cell in (ours, ours.to_torch()):
            for a, b in zip(both(cell(x)), expected):
                close(a, b)
    with pytest.raises(sluice.UsageError, match="reset_after"):
        nn.GRUCell(5, 7, reset_after=False).to_torch()


def test_streams_give_tensors():
    model = sluice.Model(numbers_core())
    x = torch.randn(4, 3)
    expected = model.stream().feed(x)
    found = model.stream().feed(x, like="torch")
    assert torch.is_tensor(found) and np.array_equal(found, expected)
    stream, two = model.stream(), model.streams(2)
    for t in range(4):
        assert torch.equal(stream.step(x[t], like="torch"), found[t])
        assert torch.equal(two.step(x[[t, t]], like="torch")[1], found[t])
