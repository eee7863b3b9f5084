#!/usr/bin/env python3
"""Writes the golden files in tests/goldens: what PyTorch computes, for tests that then need no PyTorch.

    scripts/goldens.py              cells.json: forward and gradients of one layer of each cell, in double
    scripts/goldens.py --stacks     stacks.json: two bidirectional layers on packed sequences of different lengths, in
                                    double: outputs, last states, every gradient
    scripts/goldens.py --training   training.json: losses of the first 200 updates of two language models, in float

cells.json holds the arrays as PyTorch has them (row-major, its gate order and both of its biases); the conversion is the
test's. `gru`, whose reset gate acts before the matrix product, has no module in PyTorch: its equations are written out
below as they stand in Cho et al. 2014, with z as the share of new memory, and differentiated by autograd.

training.json is made from tests/goldens/shakespeare.txt, the first 51216 characters of Tiny Shakespeare (public domain;
https://github.com/karpathy/char-rnn), so that 16 streams have 50 windows of 64 steps: 4 epochs are 200 updates. Initial
weights follow a formula (see `initial`) that the test computes too. PyTorch has two biases where one is enough: the
second is frozen at zero, but for the candidate of the GRU, where it is inside the product with r.

Needs PyTorch. The committed files were written by version 2.15; any version from 1.13 on gives the same within 1e-6.
"""
import argparse
import collections
import json
import pathlib

import torch

GOLDENS = pathlib.Path(__file__).resolve().parents[1] / "tests" / "goldens"
MASK = (1 << 64) - 1


def mix64(x):
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & MASK
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


class Random:
    """src/base/random.h."""

    def __init__(self, seed, stream=0):
        self.key = mix64(mix64(seed + 0x9E3779B97F4A7C15 & MASK) + stream * 0xD1342543DE82EF95 & MASK)

    def uniform_at(self, index):
        return (mix64(self.key + (index + 1) * 0x9E3779B97F4A7C15 & MASK) >> 11) * 2.0**-53


# --- one layer of each cell ----------------------------------------------------------------------------------------

T, B, I, H = 5, 3, 4, 6


def numbers(stream, *shape, scale=1.0):
    """Multiples of 1/1024 in (-scale, scale): exact in float, short in text."""
    random, count = Random(2014, stream), torch.Size(shape).numel()
    values = [round((2 * random.uniform_at(i) - 1) * scale * 1024) / 1024 for i in range(count)]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def from_module(module, stream):
    """A layer of torch.nn in double: weights, a state to start from, and what a gradient of all outputs gives."""
    module = module.double()
    lstm = isinstance(module, torch.nn.LSTM)
    arrays = {"x": numbers(stream, T, B, I).requires_grad_(), "h0": numbers(stream + 1, 1, B, H, scale=0.9).requires_grad_()}
    if lstm:
        arrays["c0"] = numbers(stream + 2, 1, B, H, scale=1.5).requires_grad_()
    for k, (name, weight) in enumerate(module.named_parameters()):
        weight.data = numbers(stream + 3 + k, *weight.shape, scale=0.6)
        arrays[name] = weight
    state = (arrays["h0"], arrays["c0"]) if lstm else arrays["h0"]
    y, last = module(arrays["x"], state)
    return finish(arrays, y, last[1] if lstm else None, stream)


def cho_gru(stream):
    arrays = {"x": numbers(stream, T, B, I).requires_grad_(), "h0": numbers(stream + 1, 1, B, H, scale=0.9).requires_grad_()}
    for k, gate in enumerate("zrh"):
        for j, (name, shape) in enumerate((("W", (H, I)), ("U", (H, H)), ("b", (H,)))):
            arrays[f"{name}_{gate}"] = numbers(stream + 3 + 3 * k + j, *shape, scale=0.6).requires_grad_()
    a = arrays
    h, outputs = a["h0"][0], []
    for x in a["x"]:
        z = torch.sigmoid(x @ a["W_z"].T + h @ a["U_z"].T + a["b_z"])
        r = torch.sigmoid(x @ a["W_r"].T + h @ a["U_r"].T + a["b_r"])
        candidate = torch.tanh(x @ a["W_h"].T + (r * h) @ a["U_h"].T + a["b_h"])
        h = (1 - z) * h + z * candidate
        outputs.append(h)
    return finish(arrays, torch.stack(outputs), None, stream)


def finish(arrays, y, last_memory, stream):
    dy = numbers(stream + 90, T, B, H)
    (y * dy).sum().backward()
    out = {name: value.detach().flatten().tolist() for name, value in arrays.items()}
    out.update(dy=dy.flatten().tolist(), y=y.detach().flatten().tolist())
    if last_memory is not None:
        out["c"] = last_memory.detach().flatten().tolist()
    out["gradients"] = {name: value.grad.flatten().tolist() for name, value in arrays.items()}
    return out


def write_cells():
    cells = {
        "rnn": from_module(torch.nn.RNN(I, H), 100),
        "rnn-relu": from_module(torch.nn.RNN(I, H, nonlinearity="relu"), 200),
        "lstm": from_module(torch.nn.LSTM(I, H), 300),
        "gru-reset-after": from_module(torch.nn.GRU(I, H), 400),
        "gru": cho_gru(500),
    }
    write("cells.json", {"torch": torch.__version__, "steps": T, "batch": B, "inputs": I, "hidden": H, "cells": cells})


# --- two bidirectional layers on packed sequences ------------------------------------------------------------------

LENGTHS, STACK_H, O = [6, 4, 4, 1], 5, 3


def stack(kind, stream):
    """Two bidirectional layers and a linear one; the loss is the mean square of what counts, all rows packed."""
    module = kind(I, STACK_H, 2, bidirectional=True).double()
    head = torch.nn.Linear(2 * STACK_H, O).double()
    batch, rows = len(LENGTHS), sum(LENGTHS)
    x = numbers(stream, LENGTHS[0], batch, I).requires_grad_()
    arrays = {"h0": numbers(stream + 1, 4, batch, STACK_H, scale=0.9)}
    if kind is torch.nn.LSTM:
        arrays["c0"] = numbers(stream + 2, 4, batch, STACK_H, scale=1.5)
    weights = dict(module.named_parameters()) | {f"head_{name}": w for name, w in head.named_parameters()}
    for k, weight in enumerate(weights.values()):
        weight.data = numbers(stream + 3 + k, *weight.shape, scale=0.6)
    state = (arrays["h0"], arrays["c0"]) if "c0" in arrays else arrays["h0"]
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(LENGTHS))
    y, last = module(packed, state)
    outputs, targets = head(y.data), numbers(stream + 90, rows, O)
    loss = torch.nn.functional.mse_loss(outputs, targets)
    loss.backward()
    # The rows of x's gradient in the order of the packed rows.
    dx = torch.nn.utils.rnn.pack_padded_sequence(x.grad, torch.tensor(LENGTHS)).data
    arrays |= weights | {"x": packed.data, "targets": targets, "outputs": outputs}
    arrays |= {"h": last[0], "c": last[1]} if "c0" in arrays else {"h": last}
    out = {name: value.detach().flatten().tolist() for name, value in arrays.items()}
    gradients = {name: weight.grad for name, weight in weights.items()} | {"x": dx}
    return out | {"loss": loss.item(), "gradients": {name: g.flatten().tolist() for name, g in gradients.items()}}


def write_stacks():
    kinds = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru-reset-after": torch.nn.GRU}
    cells = {name: stack(kind, 1000 + 100 * k) for k, (name, kind) in enumerate(kinds.items())}
    write("stacks.json", {"torch": torch.__version__, "lengths": LENGTHS, "inputs": I, "hidden": STACK_H, "outputs": O,
                          "cells": cells})


# --- 200 updates ---------------------------------------------------------------------------------------------------

BATCH, STEPS, EPOCHS, RATE, CLIP = 16, 64, 4, 2e-3, 1.0


def initial(index, *shape, scale):
    """Tensor number `index` of the model, in the order of a model file: uniform in (-scale, scale)."""
    random, count = Random(7, index), torch.Size(shape).numel()
    values = [(2 * random.uniform_at(i) - 1) * scale for i in range(count)]
    return torch.tensor(values, dtype=torch.float64).float().reshape(shape)


def set_layer(module, layer, index):
    """Weights in the inner order and sense (src/cells) brought to PyTorch's; returns the index of the next tensor."""
    hidden, gru = module.hidden_size, isinstance(module, torch.nn.GRU)
    scale = hidden**-0.5
    parts = {name: getattr(module, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    w = initial(index, *parts["weight_ih"].shape, scale=scale)
    u = initial(index + 1, *parts["weight_hh"].shape, scale=scale)
    b = initial(index + 2, *parts["bias_ih"].shape, scale=scale)
    second = torch.zeros_like(b)
    index += 3
    if gru:  # inside: W and b have h, z, r; U has z, r, h; z is the share of new memory
        (w_h, w_z, w_r), (u_z, u_r, u_h), (b_h, b_z, b_r) = w.chunk(3), u.chunk(3), b.chunk(3)
        w, u, b = torch.cat((w_r, -w_z, w_h)), torch.cat((u_r, -u_z, u_h)), torch.cat((b_r, -b_z, b_h))
        second[2 * hidden :] = initial(index, hidden, scale=scale)
        index += 1
    for name, value in zip(parts, (w, u, b, second)):
        parts[name].data = value
    return index


class LanguageModel(torch.nn.Module):
    def __init__(self, kind, vocabulary, embedding, hidden, layers, tied):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, embedding)
        self.rnn = kind(embedding, hidden, layers)
        self.head = torch.nn.Linear(hidden, vocabulary)
        self.embedding.weight.data = initial(0, vocabulary, embedding, scale=0.1)
        index = 1
        for layer in range(layers):
            index = set_layer(self.rnn, layer, index)
        if tied:
            self.head.weight = self.embedding.weight
        else:
            self.head.weight.data = initial(index, vocabulary, hidden, scale=0.1)
            index += 1
        self.head.bias.data = initial(index, vocabulary, scale=0.1)

    def freeze_second_bias(self):
        for name, weight in self.rnn.named_parameters():
            if name.startswith("bias_hh"):
                kept = 2 * self.rnn.hidden_size if isinstance(self.rnn, torch.nn.GRU) else weight.numel()
                weight.grad[:kept] = 0

    def forward(self, x, state):
        y, state = self.rnn(self.embedding(x), state)
        return self.head(y), state


def tokens_of(text):
    """Token 0 is <unk>, the rest stand by falling frequency, ties by bytes."""
    counts = collections.Counter(text)
    order = sorted(counts, key=lambda c: (-counts[c], c.encode()))
    number = {c: k + 1 for k, c in enumerate(order)}
    return torch.tensor([number[c] for c in text]), len(order) + 1


def detached(state):
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def losses(kind, embedding, hidden, layers, tied):
    tokens, vocabulary = tokens_of((GOLDENS / "shakespeare.txt").read_text())
    streams = tokens[: len(tokens) // BATCH * BATCH].reshape(BATCH, -1).T
    model = LanguageModel(kind, vocabulary, embedding, hidden, layers, tied)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    found = []
    for _ in range(EPOCHS):
        state = None
        for start in range(0, len(streams) - 1, STEPS):
            x, y = streams[start : start + STEPS], streams[start + 1 : start + 1 + STEPS]
            logits, state = model(x, state)
            state = detached(state)
            loss = torch.nn.functional.cross_entropy(logits.reshape(-1, vocabulary), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            model.freeze_second_bias()
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            found.append(round(loss.item(), 6))
    return found


def write_training():
    models = [
        dict(cell="lstm", embedding=32, hidden=64, layers=1, tied=False),
        dict(cell="gru-reset-after", embedding=48, hidden=48, layers=2, tied=True),
    ]
    kinds = {"lstm": torch.nn.LSTM, "gru-reset-after": torch.nn.GRU}
    for model in models:
        sizes = {name: value for name, value in model.items() if name != "cell"}
        model["losses"] = losses(kinds[model["cell"]], **sizes)
        print(model["cell"], "first", model["losses"][0], "last", model["losses"][-1])
    options = dict(batch=BATCH, steps=STEPS, epochs=EPOCHS, learning_rate=RATE, clip=CLIP)
    write("training.json", {"torch": torch.__version__, "options": options, "models": models})


def write(name, content):
    GOLDENS.mkdir(exist_ok=True)
    (GOLDENS / name).write_text(json.dumps(content, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stacks", action="store_true", help="write stacks.json instead of cells.json")
    parser.add_argument("--training", action="store_true", help="write training.json instead of cells.json")
    torch.set_num_threads(1)
    options = parser.parse_args()
    if options.training:
        write_training()
    elif options.stacks:
        write_stacks()
    else:
        write_cells()
