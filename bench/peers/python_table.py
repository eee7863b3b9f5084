"""The package for Python beside PyTorch, Keras and the library itself: the table of docs/python.md.

  bench/peers/python_table.py [--ours build/peers/sluice/bench/sluice_peer] [--threads N] [--rounds N]

runs in a Python that has sluice, torch and, for one row, keras with jax; what is missing is left out and said. Samples are taken
in turn, one engine first in one round and another in the next; the table has medians. Versions stand above it.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import work

os.environ.setdefault("KERAS_BACKEND", "jax")


def per_run(function, seconds=0.2):
    """Seconds of one run, over as many as make a sample."""
    function()
    runs, start = 0, time.perf_counter()
    while runs == 0 or time.perf_counter() - start < seconds:
        function()
        runs += 1
    return (time.perf_counter() - start) / runs


def in_turn(functions, rounds, seconds=0.2):
    """The median of each by name."""
    samples = {name: [] for name in functions}
    for turn in range(rounds):
        names = list(functions)
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            time.sleep(0.02)  # so that the threads of one do not spin into the time of the next
            samples[name].append(per_run(functions[name], seconds))
    return {name: statistics.median(times) for name, times in samples.items()}


def row(what, times, ours, others, unit=1e-3, name="ms"):
    text = f"| {what} | {times[ours] / unit:.3g} {name}"
    for other in others:
        text += f" | {other}: {times[other] / unit:.3g} {name}, {times[other] / times[ours]:.2f} times"
    print(text + " |", flush=True)


def stream_step(rounds):
    import sluice

    model = sluice._core.make_model({"inputs": 32, "outputs": 32, "hidden": 32}, 1)
    stream, other = sluice.Stream(model), sluice.Stream(model)
    rows = np.random.default_rng(0).normal(size=(1000, 32)).astype(np.float32)
    x = rows[0]

    def steps():
        step = stream.step
        for _ in range(1000):
            step(x)

    functions = {"sluice": steps, "the library alone": lambda: other.feed(rows)}
    try:
        import torch

        layer, head = torch.nn.GRU(32, 32), torch.nn.Linear(32, 32)
        tensor = torch.from_numpy(rows[:1])
        state = [torch.zeros(1, 32)]

        def torch_steps():
            with torch.inference_mode():
                for _ in range(1000):
                    y, state[0] = layer(tensor, state[0])
                    head(y)

        functions["PyTorch"] = torch_steps
    except ImportError:
        print("PyTorch is not installed", file=sys.stderr)
    times = in_turn(functions, rounds, 0.1)
    row("`Stream.step`, 32 numbers, GRU of 32 units and a linear layer", times, "sluice", list(functions)[1:], 1e-3,
        "us")
    print(f"| of it the call | {(times['sluice'] - times['the library alone']) / 1e-3:.3g} us | |", flush=True)


class Peer:
    """The library's own side of the comparison, a process."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def layer(kind, ours, threads, rounds):
    from sluice import nn

    size = work.Work(kind, "gru-reset-after", 256, 256, 32, 100, threads)
    made = nn.GRU(256, 256, seed=1)
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (100, 32, 256)).astype(np.float32)
    dy = rng.uniform(-1, 1, (100, 32, 256)).astype(np.float32)
    made.train(kind == "training")

    def run():
        made(x)
        if kind == "training":
            for parameter in made.parameters():  # as an optimizer would
                parameter *= 1.0001
                parameter.grad = None
            made.backward(dy)

    functions = {"sluice": run}
    with tempfile.TemporaryDirectory() as folder:
        data, out = (pathlib.Path(folder, name) for name in ("data", "out"))
        data.mkdir()
        out.mkdir()
        work.make_data(size, data)
        peer = Peer(ours)
        ready = peer.ask(**{"do": "prepare", **size.request(), "data": f"{data}/", "out": f"{out}/"})
        assert ready == {"ready": True}, ready
        functions["C++"] = lambda: peer.ask(do="run", runs=1)
        times = in_turn(functions, rounds)
        peer.process.kill()
    row(f"`sluice.nn.GRU` over [100, 32, 256], {kind}", times, "sluice", ["C++"])


def char_model(threads, rounds):
    import torch

    import sluice.torch

    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    tokens = torch.from_numpy(rng.integers(0, 65, (101, 64)))

    def loop(kind):
        torch.manual_seed(0)
        embedding, recurrent, head = torch.nn.Embedding(65, 64), kind(64, 256), torch.nn.Linear(256, 65)
        parameters = [*embedding.parameters(), *recurrent.parameters(), *head.parameters()]
        optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)

        def train():
            optimizer.zero_grad(set_to_none=True)
            y, _ = recurrent(embedding(tokens[:-1]))
            loss = torch.nn.functional.cross_entropy(head(y).flatten(0, 1), tokens[1:].flatten())
            loss.backward()
            optimizer.step()

        return train

    times = in_turn({"sluice": loop(sluice.torch.GRU), "torch.nn.GRU": loop(torch.nn.GRU)}, rounds, 1)
    row("`sluice.torch.GRU` in a training loop of PyTorch, the char model of the bench", times, "sluice",
        ["torch.nn.GRU"])


def series():
    rng = np.random.default_rng(0)
    y = np.arange(1000) % 2
    X = np.sin(np.arange(100) * np.where(y, 0.3, 0.33)[:, None]) + rng.normal(0, 0.5, (1000, 100))
    return X.astype(np.float32), y


EPOCHS, BATCH, UNITS = 3, 32, 64


def torch_fit(X, y):
    import torch

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = torch.nn.GRU(1, UNITS, batch_first=True, bidirectional=True)
            self.head = torch.nn.Linear(2 * UNITS, 2)

        def forward(self, x):
            return self.head(self.gru(x)[0].mean(dim=1))

    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    inputs, labels = torch.from_numpy(X)[:, :, None], torch.from_numpy(y)

    def fit():
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(X)).split(BATCH):
                optimizer.zero_grad(set_to_none=True)
                torch.nn.functional.cross_entropy(network(inputs[rows]), labels[rows]).backward()
                optimizer.step()

    return fit


def keras_fit(X, y):
    import keras

    network = keras.Sequential([keras.Input((100, 1)),
                                keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True)),
                                keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(2)])
    network.compile(keras.optimizers.AdamW(5e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    # The last batch is as large as the others, so that nothing is compiled twice.
    return lambda: network.fit(X[:, :, None], y, epochs=EPOCHS, batch_size=BATCH, verbose=0)


def classifier(threads, rounds):
    import sluice

    X, y = series()
    ours = sluice.SequenceClassifier("gru-reset-after", hidden=UNITS, epochs=EPOCHS, batch=BATCH, dropout=0.0,
                                     validation_split=0.0, threads=threads, random_state=0)
    functions = {"sluice": lambda: ours.fit(X, y)}
    for name, make in (("PyTorch", torch_fit), ("Keras", keras_fit)):
        try:
            functions[name] = make(X, y)
        except ImportError as missing:
            print(f"{name} is left out: {missing}", file=sys.stderr)
    times = in_turn(functions, rounds, 0)
    row(f"fit of a classifier on 1,000 series of 100 steps, {EPOCHS} epochs", times, "sluice", list(functions)[1:], 1, "s")


def versions():
    """Of whoever takes part."""
    installed = {found.metadata["Name"].lower(): found.version for found in importlib.metadata.distributions()}
    return ", ".join(f"{name} {installed[name]}" for name in ("sluice", "numpy", "torch", "keras", "jax") if name in installed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default="build/peers/sluice/bench/sluice_peer")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=["step", "layer", "loop", "fit"])
    chosen = parser.parse_args()

    import sluice

    sluice.set_num_threads(chosen.threads)
    print(f"{chosen.threads} threads; {versions()}\n")
    print("| work | Sluice | beside it |\n|---|---|---|", flush=True)
    if "step" in chosen.only:
        stream_step(chosen.rounds)
    if "layer" in chosen.only:
        if pathlib.Path(chosen.ours).exists():
            for kind in ("inference", "training"):
                layer(kind, chosen.ours, chosen.threads, chosen.rounds)
        else:
            print(f"{chosen.ours} is not there: bench/peers/run builds it", file=sys.stderr)
    if "loop" in chosen.only:
        char_model(chosen.threads, chosen.rounds)
    if "fit" in chosen.only:
        classifier(chosen.threads, chosen.rounds)


if __name__ == "__main__":
    main()
