"""The engines of the comparison, each a process of its own that answers requests (peer.py)."""

import json
import pathlib
import subprocess
import sys

import numpy

import gates

HERE = pathlib.Path(__file__).parent


class Engine:
    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.version = self.ask({"do": "about"}).get("version", "")

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with code {self.process.wait()}")
        return json.loads(line)

    def prepare(self, work, data, out):
        return self.ask({"do": "prepare", **work.request(), "data": f"{data}/", "out": f"{out}/"})

    def seconds(self, runs):
        return self.ask({"do": "run", "runs": runs})["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class OneDnn(Engine):
    """Gets its weights in its own order of gates, and its gradients are put back into ours."""

    def prepare(self, work, data, out):
        if work.vocabulary or work.lengths:
            return {"unsupported": "single layers alone"}
        cell, hidden = work.cell, work.hidden
        order = gates.ONEDNN[cell]
        own = out / "in"
        own.mkdir(exist_ok=True)

        def read(folder, name, *shape):
            return numpy.fromfile(folder / name, "float32").reshape(shape)

        ours = (read(data, "weight_ih", -1, work.inputs), read(data, "weight_hh", -1, hidden), read(data, "bias", -1))
        w, u, b = gates.to_peer(cell, order, *ours)
        if cell == "gru-reset-after":
            b = numpy.concatenate([b, read(data, "bias_hn", -1)])
        for name, array in (("weight_ih", w), ("weight_hh", u), ("bias", b)):
            array.tofile(own / name)
        for name in ("x", "dy"):
            (own / name).unlink(missing_ok=True)
            (own / name).symlink_to(data / name)
        for name, state in zip("hc", read(data, "state", -1, work.batch, hidden)):
            state.tofile(own / name)
        answer = super().prepare(work, own, out)
        if answer.get("ready") and work.work == "training":
            rows = len(order) * hidden
            db = read(out, "dbias", -1)
            for name, array in zip(("dweight_ih", "dweight_hh", "dbias"),
                                   gates.from_peer(cell, order, read(out, "dweight_ih", rows, work.inputs),
                                                   read(out, "dweight_hh", rows, hidden), db[:rows])):
                array.tofile(out / name)
            db[rows:].tofile(out / "dbias_hn")
        return answer


def start(name, ours, onednn):
    """The engine of that name. ours, onednn: programs; onednn may be None."""
    if name == "sluice":
        return Engine(name, [ours])
    if name == "onednn":
        return OneDnn(name, [onednn])
    script, *flags = {"pytorch": ["torch_peer.py"], "pytorch-compile": ["torch_peer.py", "--compile"],
                      "onnxruntime": ["onnx_peer.py"]}[name]
    return Engine(name, [sys.executable, HERE / script, *flags])


NAMES = ["sluice", "pytorch", "pytorch-compile", "onnxruntime", "onednn"]
