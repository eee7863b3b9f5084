"""PyTorch's side of the comparison: eager, or with --compile through torch.compile."""

import sys
import time

import torch

import gates
from peer import Unsupported, serve
from work import stack_layers

COMPILE = "--compile" in sys.argv
LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru-reset-after": torch.nn.GRU}
CELLS = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru-reset-after": torch.nn.GRUCell}


def own_rows(request):
    """The rows of torch's bias_hh that add something to its bias_ih."""
    order = gates.TORCH[request.cell]
    first = order.index("h") if request.cell == "gru-reset-after" else len(order)
    return slice(first * request.hidden, (first + 1) * request.hidden)


def layer_weights(request, suffix, prefix="", inputs=None):
    """weight_ih, weight_hh, bias_ih, bias_hh in torch's order."""
    x_rows, h_rows = (len(rows) for rows in gates.OURS[request.cell])
    hidden, inputs = request.hidden, inputs or request.inputs
    w, u, b = gates.to_peer(request.cell, gates.TORCH[request.cell],
                            request.read(f"{prefix}weight_ih{suffix}", x_rows * hidden, inputs),
                            request.read(f"{prefix}weight_hh{suffix}", h_rows * hidden, hidden),
                            request.read(f"{prefix}bias{suffix}", x_rows * hidden))
    own = b * 0
    if request.cell == "gru-reset-after":
        own[own_rows(request)] = request.read(f"{prefix}bias_hn{suffix}", hidden)
    return [torch.from_numpy(array) for array in (w, u, b, own)]


def write_gradients(request, module, suffix, prefix=""):
    w, u, b, own = (getattr(module, name + (suffix or "_l0")).grad.numpy()
                    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    ours = gates.from_peer(request.cell, gates.TORCH[request.cell], w, u, b)
    for name, array in zip(("weight_ih", "weight_hh", "bias"), ours):
        request.write(f"d{prefix}{name}{suffix}", array)
    if request.cell == "gru-reset-after":
        request.write(f"d{prefix}bias_hn{suffix}", own[own_rows(request)])


def fill(module, tensors):
    with torch.no_grad():
        for parameter, tensor in zip(module.parameters(), tensors, strict=True):
            parameter.copy_(tensor)


def states(request):
    """h, or (h, c), each [1, B, H]."""
    count = 2 if request.cell == "lstm" else 1
    all_states = torch.from_numpy(request.read("state", count, 1, request.batch, request.hidden))
    return tuple(all_states) if count == 2 else all_states[0]


def layer(request):
    module = LAYERS[request.cell](request.inputs, request.hidden)
    fill(module, layer_weights(request, ""))
    x = torch.from_numpy(request.read("x", request.steps, request.batch, request.inputs))
    start = states(request)
    call = torch.compile(module) if COMPILE else module
    if request.work == "inference":
        module.eval()
        module.requires_grad_(False)

        def infer():
            with torch.inference_mode():
                return call(x, start)[0]

        request.write("y", infer().numpy())
        return infer

    x.requires_grad_(True)
    dy = torch.from_numpy(request.read("dy", request.steps, request.batch, request.hidden))

    def train():
        x.grad = None
        module.zero_grad(set_to_none=True)
        y, _ = call(x, start)
        y.backward(dy)
        return y

    request.write("y", train().detach().numpy())
    request.write("dx", x.grad.numpy())
    write_gradients(request, module, "")
    return train


def stack(request):
    """Two bidirectional layers on a PackedSequence, whose rows stand as ours do; to pack them is not timed."""
    module = LAYERS[request.cell](request.inputs, request.hidden, 2, bidirectional=True)
    layers = stack_layers(request)
    fill(module, [w for suffix, inputs in layers for w in layer_weights(request, suffix, "rnn.", inputs)])
    rows = sum(request.lengths)
    sizes = torch.tensor([sum(n > t for n in request.lengths) for t in range(request.steps)])
    x = torch.from_numpy(request.read("x", rows, request.inputs))
    call = torch.compile(module) if COMPILE else module

    def run():
        return call(torch.nn.utils.rnn.PackedSequence(x, sizes))[0].data

    if request.work.endswith("inference"):
        module.eval()
        module.requires_grad_(False)

        def infer():
            with torch.inference_mode():
                return run()

        request.write("y", infer().numpy())
        return infer

    x.requires_grad_(True)
    dy = torch.from_numpy(request.read("dy", rows, 2 * request.hidden))

    def train():
        x.grad = None
        module.zero_grad(set_to_none=True)
        y = run()
        y.backward(dy)
        return y

    request.write("y", train().detach().numpy())
    request.write("dx", x.grad.numpy())
    for suffix, _ in layers:
        write_gradients(request, module, suffix, "rnn.")
    return train


def step(request):
    """One step at a time, by whichever of torch's two ways is faster here: the cell, or the layer over one step."""
    if COMPILE:
        raise Unsupported("one step is timed eagerly")
    cell = CELLS[request.cell](request.inputs, request.hidden)
    module = LAYERS[request.cell](request.inputs, request.hidden)
    for way in (cell, module):
        fill(way, layer_weights(request, ""))
        way.requires_grad_(False)
    x = torch.from_numpy(request.read("x", request.steps, 1, request.inputs))
    start = states(request)
    cell_state = tuple(s[0] for s in start) if request.cell == "lstm" else start[0]

    def of_cell(t, state):
        state = cell(x[t], state)
        return state, (state[0] if request.cell == "lstm" else state)

    def of_layer(t, state):
        y, state = module(x[t:t + 1], state)
        return state, y[0]

    ways = [stepper(of_cell, cell_state, request.steps), stepper(of_layer, start, request.steps)]
    outputs = [torch.cat([run() for _ in range(request.steps)]) for run in ways]
    torch.testing.assert_close(outputs[0], outputs[1], atol=1e-5, rtol=0)
    request.write("y", outputs[0].numpy())
    return min(ways, key=lambda run: min(time_of(run) for _ in range(20)))


def stepper(way, state, steps):
    t = 0

    def run():
        nonlocal t, state
        with torch.inference_mode():
            state, y = way(t, state)
        t = (t + 1) % steps
        return y

    return run


def time_of(run):
    start = time.perf_counter()
    for _ in range(20):
        run()
    return time.perf_counter() - start


class LanguageModel(torch.nn.Module):
    def __init__(self, request):
        super().__init__()
        self.embedding = torch.nn.Embedding(request.vocabulary, request.inputs)
        self.rnn = LAYERS[request.cell](request.inputs, request.hidden)
        self.head = torch.nn.Linear(request.hidden, request.vocabulary)

    def forward(self, tokens, targets):
        y, _ = self.rnn(self.embedding(tokens))
        return torch.nn.functional.cross_entropy(self.head(y).flatten(0, 1), targets.flatten())


def model(request):
    network = LanguageModel(request)
    v = request.vocabulary
    fill(network, [torch.from_numpy(request.read("embedding.weight", v, request.inputs)),
                   *layer_weights(request, "_l0", "rnn."),
                   torch.from_numpy(request.read("head.weight", v, request.hidden)),
                   torch.from_numpy(request.read("head.bias", v))])
    # torch has a second bias where one would do. Adam would move both, and their sum twice as far as our one.
    own = torch.zeros_like(network.rnn.bias_hh_l0)
    own[own_rows(request)] = 1
    network.rnn.bias_hh_l0.register_hook(lambda gradient: gradient * own)
    tokens, targets = (torch.from_numpy(request.read(name, request.steps, request.batch, dtype="uint32").astype("int64"))
                       for name in ("tokens", "targets"))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    call = torch.compile(network) if COMPILE else network

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = call(tokens, targets)
        loss.backward()
        optimizer.step()
        return loss

    losses = []
    for i in range(3):
        losses.append(train().item())
        if i == 0:
            write_gradients(request, network.rnn, "_l0", "rnn.")
            for name in ("embedding.weight", "head.weight", "head.bias"):
                request.write("d" + name, network.get_parameter(name).grad.numpy())
    request.write("losses", losses)
    return train


def prepare(request):
    if request.cell not in LAYERS:
        raise Unsupported("torch.nn has no GRU that resets before the product")
    torch.set_num_threads(request.threads)
    if request.lengths:
        return stack(request)
    return {"training": layer, "inference": layer, "step": step}.get(request.work, model)(request)


serve(torch.__version__ + f", oneDNN and MKL inside{', inductor' if COMPILE else ''}", prepare)
