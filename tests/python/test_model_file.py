"""A model file read by the reference library, run by an independent implementation of the printed equations in double
(NumPy) and, where PyTorch has the cell, by torch.nn: all must expect the same next words as `sluice complete`."""

import json

import numpy
import pytest

from conftest import CELLS, TINY, sluice, sluice_json

PROMPT = "Ada likes the red house, and so it"
TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=[(cell, layers) for cell in CELLS for layers in (1, 2)],
                ids=lambda pair: f"{pair[0]}-{pair[1]}")
def model(request, text, tmp_path_factory):
    """A trained model: its cell, its tensors by the reference reader, its vocabulary, what it expects, its self-check."""
    safetensors = pytest.importorskip("safetensors.numpy", reason="needs safetensors from PyPI")
    cell, layers = request.param
    path = tmp_path_factory.mktemp("model") / "m.safetensors"
    sluice("train", text, "-o", path, "--cell", cell, "--layers", layers, "--no-tied",
           "--embedding=12", "--lr=0.02", *TINY)
    with safetensors.safe_open(path, "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    tokens = json.loads(metadata["sluice.vocabulary"])
    expected = {candidate["token"]: candidate["probability"]
                for candidate in sluice_json("complete", path, PROMPT, "--top", "10")["candidates"]}
    # complete begins after the end of a line
    prompt = [tokens.index(word) for word in ["\n", *PROMPT.replace(",", " ,").split()]]
    return cell, layers, tensors, tokens, prompt, expected, json.loads(metadata["sluice.self-check"])


def compare(probabilities, tokens, expected):
    assert len(expected) == 10
    for token, probability in expected.items():
        assert probabilities[tokens.index(token)] == pytest.approx(probability, abs=TOLERANCE), token


def sigma(a):
    return 1 / (1 + numpy.exp(-a))


# W, U and the biases b and c of a layer as the file has them, by gate in the file's order.
def rnn(W, U, b, c, x, h, memory):
    return numpy.tanh(W[0] @ x + b[0] + U[0] @ h + c[0]), memory


def lstm(W, U, b, c, x, h, memory):
    i, f, g, o = (W[k] @ x + b[k] + U[k] @ h + c[k] for k in range(4))
    memory = sigma(f) * memory + sigma(i) * numpy.tanh(g)
    return sigma(o) * numpy.tanh(memory), memory


def gru(W, U, b, c, x, h, memory):
    z = sigma(W[0] @ x + b[0] + U[0] @ h + c[0])
    r = sigma(W[1] @ x + b[1] + U[1] @ h + c[1])
    candidate = numpy.tanh(W[2] @ x + b[2] + U[2] @ (r * h) + c[2])
    return (1 - z) * h + z * candidate, memory


def gru_reset_after(W, U, b, c, x, h, memory):
    # The file is PyTorch's: r, z, n, and z keeps.
    r = sigma(W[0] @ x + b[0] + U[0] @ h + c[0])
    z = sigma(W[1] @ x + b[1] + U[1] @ h + c[1])
    candidate = numpy.tanh(W[2] @ x + b[2] + r * (U[2] @ h + c[2]))
    return (1 - z) * candidate + z * h, memory


EQUATIONS = {"rnn": (1, rnn), "lstm": (4, lstm), "gru": (3, gru), "gru-reset-after": (3, gru_reset_after)}


def test_the_printed_equations_agree(model):
    cell, layers, tensors, tokens, prompt, expected, _ = model
    gates, step = EQUATIONS[cell]

    def by_gate(name):
        tensor = tensors.get(name)
        return numpy.zeros((gates, 1)) if tensor is None else numpy.split(tensor.astype(float), gates)

    # A cell that PyTorch does not have says so in its tensors' names.
    rnn = "rnn.gru." if cell == "gru" else "rnn."
    weights = [[by_gate(f"{rnn}{part}_l{layer}") for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
               for layer in range(layers)]
    hidden = tensors[f"{rnn}weight_hh_l0"].shape[1]
    state = [(numpy.zeros(hidden), numpy.zeros(hidden)) for _ in range(layers)]
    for token in prompt:
        x = tensors["embedding.weight"][token].astype(float)
        for layer in range(layers):
            state[layer] = step(*weights[layer], x, *state[layer])
            x = state[layer][0]
    logits = tensors["head.weight"].astype(float) @ x + tensors["head.bias"]
    probabilities = numpy.exp(logits - logits.max())
    compare(probabilities / probabilities.sum(), tokens, expected)


def test_torch_loads_it_without_conversion(model):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    cell, layers, tensors, tokens, prompt, expected, check = model
    if cell == "gru":
        pytest.skip("PyTorch has no GRU that resets before the product")
    kind = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru-reset-after": torch.nn.GRU}[cell]
    hidden, inputs = tensors["rnn.weight_hh_l0"].shape[1], tensors["rnn.weight_ih_l0"].shape[1]
    module = torch.nn.Module()
    module.embedding = torch.nn.Embedding(len(tokens), inputs)
    module.rnn = kind(inputs, hidden, num_layers=layers)
    module.head = torch.nn.Linear(hidden, len(tokens))
    module.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()
                            if name.split(".")[0] in ("embedding", "rnn", "head")})
    with torch.no_grad():
        out, _ = module.rnn(module.embedding(torch.tensor(prompt)))
        compare(module.head(out[-1]).softmax(0).numpy(), tokens, expected)
        out, _ = module.rnn(module.embedding(torch.tensor(check["input"])))
        answers = module.head(out).log_softmax(-1)[:, check["outputs"]].flatten()
    assert answers.tolist() == pytest.approx(check["log_probabilities"], abs=1e-4)
