"""The work that is compared: sizes, data, operations, and what counts as an equal result."""

import dataclasses

import numpy

import gates

# Gate rows of W and of U, and states, of a cell.
ROWS = {cell: (len(x), len(h)) for cell, (x, h) in gates.OURS.items()}
STATES = {"rnn": 1, "lstm": 2, "gru": 1, "gru-reset-after": 1}


@dataclasses.dataclass(frozen=True)
class Work:
    # training, inference, step, char-model, word-model; of two bidirectional layers packed-training, packed-inference,
    # and even-training, even-inference, which are the same on sequences of one length
    work: str
    cell: str
    hidden: int
    inputs: int
    batch: int
    steps: int
    threads: int
    vocabulary: int = 0
    lengths: tuple = ()  # of a stack of two bidirectional layers, the steps of each sequence, the longest first

    def request(self):
        return dataclasses.asdict(self)

    def label(self):
        return f"{self.work} {self.cell} H {self.hidden} B {self.batch} T {self.steps}, {self.threads} threads"

    def rows(self):
        """Steps of all sequences that count."""
        return sum(self.lengths) or self.batch * self.steps

    def layer_flops(self):
        """Of the matrix products of one forward step of one stream."""
        x, h = ROWS[self.cell]
        return 2 * self.hidden * (x * self.inputs + h * self.hidden)

    def flops(self, distinct):
        """Of the products of one run; distinct: how many different tokens the input of a model has."""
        rows = self.rows()
        if self.work == "step":
            return self.layer_flops()
        if self.lengths:
            x, h = ROWS[self.cell]
            both = 2 * 2 * self.hidden * (x * self.inputs + x * 2 * self.hidden + 2 * h * self.hidden)
            return rows * both * (3 if self.work.endswith("training") else 1)
        if not self.vocabulary:
            return rows * self.layer_flops() * (3 if self.work == "training" else 1)
        x, h = ROWS[self.cell]
        return 6 * self.hidden * (rows * (h * self.hidden + self.vocabulary) + distinct * x * self.inputs)

    def weight_bytes(self):
        return self.layer_flops() * 2 if self.work == "step" else 0


def layers(work, cells, hidden, batches, lengths, threads):
    return [Work(work, cell, h, h, b, t, n) for cell in cells for h in hidden for b in batches for t in lengths
            for n in threads]


def stacks(cells, hidden, threads):
    """Lengths from 1 to 100, drawn evenly; beside them the same number of sequences that are half as long."""
    drawn = numpy.random.default_rng(7).integers(1, 101, 32)
    lengths = tuple(int(n) for n in sorted(drawn, reverse=True))
    return [Work(f"{kind}-{work}", cell, h, h, 32, l[0], n, lengths=l) for cell in cells for h in hidden for n in threads
            for work in ("training", "inference") for kind, l in (("packed", lengths), ("even", (50,) * 32))]


def models(cells, threads):
    return [m for cell in cells for n in threads
            for m in (Work("char-model", cell, 256, 64, 64, 100, n, 65),
                      Work("word-model", cell, 256, 256, 32, 35, n, 10000))]


def uniform(random, scale, *shape):
    return random.uniform(-scale, scale, shape).astype("float32")


def stack_layers(work):
    """Ends of names, and inputs, of the four layers of a stack."""
    return [(f"_l{layer}{end}", inputs) for layer, inputs in enumerate((work.inputs, 2 * work.hidden))
            for end in ("", "_reverse")]


def make_data(work, folder):
    """Writes weights, inputs, states and gradients of outputs; returns how many different tokens the input has."""
    random = numpy.random.default_rng(1)
    x_rows, h_rows = ROWS[work.cell]
    scale = work.hidden**-0.5
    if work.lengths:
        data = {"x": uniform(random, 1, work.rows(), work.inputs), "dy": uniform(random, 1, work.rows(), 2 * work.hidden)}
        for suffix, inputs in stack_layers(work):
            data[f"rnn.weight_ih{suffix}"] = uniform(random, scale, x_rows * work.hidden, inputs)
            data[f"rnn.weight_hh{suffix}"] = uniform(random, scale, h_rows * work.hidden, work.hidden)
            data[f"rnn.bias{suffix}"] = uniform(random, scale, x_rows * work.hidden)
            if work.cell == "gru-reset-after":
                data[f"rnn.bias_hn{suffix}"] = uniform(random, scale, work.hidden)
        for name, array in data.items():
            array.tofile(folder / name)
        return 0
    prefix, suffix = ("rnn.", "_l0") if work.vocabulary else ("", "")
    data = {
        f"{prefix}weight_ih{suffix}": uniform(random, scale, x_rows * work.hidden, work.inputs),
        f"{prefix}weight_hh{suffix}": uniform(random, scale, h_rows * work.hidden, work.hidden),
        f"{prefix}bias{suffix}": uniform(random, scale, x_rows * work.hidden),
    }
    if work.cell == "gru-reset-after":
        data[f"{prefix}bias_hn{suffix}"] = uniform(random, scale, work.hidden)
    rows = work.steps * work.batch
    if work.vocabulary:
        data["embedding.weight"] = random.standard_normal((work.vocabulary, work.inputs)).astype("float32")
        data["head.weight"] = uniform(random, scale, work.vocabulary, work.hidden)
        data["head.bias"] = uniform(random, scale, work.vocabulary)
        for name in ("tokens", "targets"):  # probability proportional to 1 / rank
            rank = numpy.exp(random.uniform(size=rows) * numpy.log(work.vocabulary))
            data[name] = numpy.minimum(rank, work.vocabulary - 1).astype("uint32")
    else:
        data["x"] = uniform(random, 1, rows, work.inputs)
        data["dy"] = uniform(random, 1, rows, work.hidden)
        data["state"] = uniform(random, 0.5, STATES[work.cell], work.batch, work.hidden)
    for name, array in data.items():
        array.tofile(folder / name)
    return len(numpy.unique(data["tokens"])) if work.vocabulary else 0


def written_tensors(work):
    """Names of what every engine writes for this work."""
    own = ["bias_hn"] if work.cell == "gru-reset-after" else []
    weights = ["weight_ih", "weight_hh", "bias"] + own
    if work.lengths:
        gradients = ["dx"] + [f"drnn.{n}{suffix}" for suffix, _ in stack_layers(work) for n in weights]
        return ["y"] + (gradients if work.work.endswith("training") else [])
    if work.vocabulary:
        return ["losses"] + [f"drnn.{n}_l0" for n in weights] + ["dembedding.weight", "dhead.weight", "dhead.bias"]
    return ["y"] + (["dx"] + ["d" + n for n in weights] if work.work == "training" else [])


def differences(work, ours, theirs):
    """The largest difference of each tensor, outputs as such and gradients relative to the largest of the tensor."""
    found = {}
    for name in written_tensors(work):
        a, b = (numpy.fromfile(folder / name, "float32") for folder in (ours, theirs))
        if a.shape != b.shape:
            raise ValueError(f"{name}: {a.size} numbers here, {b.size} there")
        scale = numpy.abs(a).max() if name[0] == "d" else 1
        found[name] = float(numpy.abs(a.astype("float64") - b).max() / scale)
    return found


# Two engines in single precision, each within 5e-6 (outputs) and 1e-5 (gradients) of the truth over 100 steps, with room
# for the longer sums of H 1024. Losses follow three updates of Adam, which magnifies what is left.
TOLERANCE = {"y": 1e-5, "losses": 1e-4, "d": 5e-5}


def wrong(work, found):
    """Why the results are not equal; empty when they are."""
    bad = []
    for name, difference in found.items():
        bound = TOLERANCE.get(name, TOLERANCE["d"])
        if not difference <= bound:
            bad.append(f"{name} differs by {difference:.1e}")
    return "; ".join(bad)
