"""Which gate stands where, and with which sign, in each engine.

Sluice's z is the share of new memory; the others' z (u) is the share that is kept. sigma(-a) = 1 - sigma(a), so the one
becomes the other by negating the rows of W, U and b that make it. Sources: torch.nn.GRU and LSTM; the ONNX operators GRU
and LSTM; oneDNN's documentation of RNN primitives.
"""

import numpy

# Rows of W x and b; rows of U h. As src/cells has them.
OURS = {
    "rnn": (["h"], ["h"]),
    "lstm": (["i", "f", "g", "o"], ["i", "f", "g", "o"]),
    "gru": (["z", "r", "h"], ["z", "r", "h"]),
    "gru-reset-after": (["h", "z", "r"], ["z", "r", "h"]),
}
KEPT = {"gru", "gru-reset-after"}  # cells whose z changes sign
TORCH = {"rnn": ["h"], "lstm": ["i", "f", "g", "o"], "gru-reset-after": ["r", "z", "h"]}
ONNX = {"rnn": ["h"], "lstm": ["i", "o", "f", "g"], "gru": ["z", "r", "h"], "gru-reset-after": ["z", "r", "h"]}
ONEDNN = {"rnn": ["h"], "lstm": ["i", "f", "g", "o"], "gru": ["z", "r", "h"], "gru-reset-after": ["z", "r", "h"]}


def _rows(array, cell, source, target):
    blocks = array.reshape(len(source), -1, *array.shape[1:])
    out = [(-1 if cell in KEPT and gate == "z" else 1) * blocks[source.index(gate)] for gate in target]
    return numpy.ascontiguousarray(numpy.concatenate(out))


def to_peer(cell, order, weight_ih, weight_hh, bias):
    """Our weights in the peer's order."""
    ours_x, ours_h = OURS[cell]
    return (_rows(weight_ih, cell, ours_x, order), _rows(weight_hh, cell, ours_h, order),
            _rows(bias, cell, ours_x, order))


def from_peer(cell, order, weight_ih, weight_hh, bias):
    """The peer's gradients in our order; a negated weight has a negated gradient."""
    ours_x, ours_h = OURS[cell]
    return (_rows(weight_ih, cell, order, ours_x), _rows(weight_hh, cell, order, ours_h),
            _rows(bias, cell, order, ours_x))
