"""Models that came from ONNX, beside ONNX Runtime and beside the same model of ours: the table of docs/formats.md.

  bench/peers/import_table.py [--rounds N]

runs in a Python that has sluice and onnxruntime, on one thread. Models are made here, written as ONNX, and read by both. One stream:
the time to open a file, of one step whose state goes into the next (bound buffers in ONNX Runtime), and of 100 steps in one
call. All three outputs are compared first. Samples are taken in turn; the table has medians.
"""

import argparse
import importlib.metadata
import pathlib
import tempfile

import numpy as np
import onnxruntime
import sluice

from python_table import in_turn, row

MODELS = [("lstm", 1, 20, 1, 1), ("gru-reset-after", 1, 64, 32, 8), ("gru", 2, 128, 64, 16), ("lstm", 2, 512, 128, 64)]


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class Runtime:
    """ONNX Runtime's stream: two bindings of the same buffers, in which the state goes to and fro."""

    def __init__(self, path, steps):
        self.session = session(path)
        first, *states = self.session.get_inputs()
        self.x = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((steps, 1, first.shape[2]), "f4"))
        y, *outputs = self.session.get_outputs()
        self.y = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((steps, 1, y.shape[2]), "f4"))
        buffers = [[onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, 1, state.shape[2]), "f4")) for state in states]
                   for _ in range(2)]
        self.bindings, self.turn = [], 0
        for k in range(2):
            binding = self.session.io_binding()
            binding.bind_ortvalue_input(first.name, self.x)
            for state, output, a, b in zip(states, outputs, buffers[k], buffers[1 - k]):
                binding.bind_ortvalue_input(state.name, a)
                binding.bind_ortvalue_output(output.name, b)
            binding.bind_ortvalue_output(y.name, self.y)
            self.bindings.append(binding)

    def run(self):
        self.session.run_with_iobinding(self.bindings[self.turn])
        self.turn = 1 - self.turn


def compare(cell, layers, hidden, inputs, outputs, rounds, folder):
    ours = sluice.Model(
        sluice._core.make_model(dict(cell=cell, layers=layers, hidden=hidden, inputs=inputs, outputs=outputs), 1))
    path = str(pathlib.Path(folder, f"{cell}{layers}x{hidden}.onnx"))
    own = str(pathlib.Path(folder, "own.safetensors"))
    ours.export(path)
    ours.save(own, force=True)
    name = f"{layers} x {cell} {hidden}, {ours.parameter_count * 4 / 1e6:.1f} MB"
    x = np.random.default_rng(0).normal(size=(100, inputs)).astype(np.float32)
    imported = sluice.import_model(path)
    expected = ours.stream().feed(x)
    runtime = Runtime(path, 100)
    runtime.x.update_inplace(x[:, None])
    runtime.run()
    for found in imported.stream().feed(x), runtime.y.numpy()[:, 0]:
        assert np.abs(found - expected).max() < 1e-5, np.abs(found - expected).max()

    times = in_turn({"sluice": lambda: sluice.import_model(path), "our own file": lambda: sluice.load(own),
                     "ONNX Runtime": lambda: session(path)}, rounds)
    row(f"{name}: opened", times, "sluice", ["our own file", "ONNX Runtime"])

    def steps(stream):
        step, first = stream.step, x[0]
        return lambda: [step(first) for _ in range(100)]

    one = Runtime(path, 1)
    one.x.update_inplace(x[:1, None])
    times = in_turn({"sluice": steps(imported.stream()), "our own": steps(ours.stream()),
                     "ONNX Runtime": lambda: [one.run() for _ in range(100)]}, rounds)
    row(f"{name}: a step", times, "sluice", ["our own", "ONNX Runtime"], 1e-4, "us")
    streams = imported.stream(), ours.stream()
    times = in_turn({"sluice": lambda: streams[0].feed(x), "our own": lambda: streams[1].feed(x),
                     "ONNX Runtime": runtime.run}, rounds)
    row(f"{name}: 100 steps", times, "sluice", ["our own", "ONNX Runtime"], 1e-6, "us")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"sluice {sluice.__version__}, onnxruntime {importlib.metadata.version('onnxruntime')}\n")
    print("| | imported | beside it | |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            compare(*model, rounds, folder)


if __name__ == "__main__":
    main()
