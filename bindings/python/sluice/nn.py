"""Recurrent layers by themselves, with the constructor arguments, shapes and state dicts of ``torch.nn``.

Weights are `Parameter` arrays of NumPy. `forward` keeps what the way back needs; `backward` is called by hand, adds to the
``grad`` of each weight, and returns the gradient of the input.

Examples
--------
>>> import numpy as np
>>> import sluice.nn
>>> layer = sluice.nn.GRU(3, 8, num_layers=2, seed=1)
>>> y, h = layer(np.ones((5, 4, 3), dtype=np.float32))
>>> y.shape, h.shape
((5, 4, 8), (2, 4, 8))
>>> dx = layer.backward(np.ones_like(y))
>>> dx.shape, layer.weight_ih_l0.grad.shape
((5, 4, 3), (24, 3))
"""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np

from ._arrays import floats
from ._errors import UsageError
from ._module import Module, Parameter
from ._recurrent import Recurrent


class RNN(Recurrent):
    """Plain recurrent layers (Elman 1990), as ``torch.nn.RNN``.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        As in PyTorch.
    nonlinearity : str
        ``"tanh"`` or ``"relu"``.
    seed : int, optional
        Of the weights and of dropout.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
                 bias: bool = True, batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, *,
                 seed: int | None = None) -> None:
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, seed=seed,
                         cell="rnn", activation=nonlinearity)

    def _torch_arguments(self) -> dict[str, Any]:
        return {"nonlinearity": self.nonlinearity}


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997), as ``torch.nn.LSTM`` without projections.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        As in PyTorch.
    seed : int, optional
        Of the weights and of dropout.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, *,
                 seed: int | None = None) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, seed=seed,
                         cell="lstm")


class GRU(Recurrent):
    """Gated recurrent units, as ``torch.nn.GRU``.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        As in PyTorch.
    reset_after : bool
        True: the reset gate acts after the matrix product, as in PyTorch, cuDNN and default Keras. False: before it, as
        first published (Cho et al. 2014); PyTorch has no such layer, yet the weights have the same names and gate order.
    seed : int, optional
        Of the weights and of dropout.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, *,
                 reset_after: bool = True, seed: int | None = None) -> None:
        self.reset_after = bool(reset_after)
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, seed=seed,
                         cell="gru-reset-after" if reset_after else "gru")

    def _torch_name(self) -> str:
        if not self.reset_after:
            raise UsageError("to_torch: expected reset_after=True, the one form that PyTorch has, found False")
        return "GRU"


class _Cell(Module):
    """One step of one layer."""

    _layer: type[Recurrent]

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, *, seed: int | None = None,
                 **arguments: Any) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._inside = self._layer(input_size, hidden_size, bias=bias, seed=seed, **arguments)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The weights with PyTorch's names: ``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh``."""
        for name, value in self._inside.named_parameters():
            yield name.removesuffix("_l0"), value

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("weight_", "bias_")) and "_inside" in vars(self):
            return getattr(self._inside, f"{name}_l0")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def train(self, mode: bool = True) -> Any:
        self._inside.train(mode)
        return super().train(mode)

    def __call__(self, x: Any, hx: Any = None) -> Any:
        """The same as `forward`."""
        return self.forward(x, hx)

    def forward(self, x: Any, hx: Any = None) -> Any:
        """One step: x [B, input_size], h [B, hidden_size] (of an LSTM the pair (h, c)) give the next state."""
        rows = floats(x, "x")
        if rows.ndim != 2:
            raise UsageError(f"x: expected [batch, {self.input_size}], found {rows.ndim} dimensions")
        if hx is not None:
            both = hx if isinstance(hx, (tuple, list)) else (hx,)
            states = tuple(floats(state, "hx")[None] for state in both)
            hx = states if len(states) == 2 else states[0]
        _, last = self._inside.forward(rows[None], hx)
        return tuple(state[0] for state in last) if isinstance(last, tuple) else last[0]

    def backward(self, dh: Any) -> tuple[Any, Any]:
        """After `forward`: the gradient of the next state (of an LSTM a pair) gives those of x and of the state."""
        both = dh if isinstance(dh, (tuple, list)) else (dh,)
        states = tuple(floats(state, "dh")[None] for state in both)
        zeros = np.zeros_like(states[0])
        dx = self._inside.backward(zeros, states if len(states) == 2 else states[0])
        before = self._inside.dh_0
        return dx[0], tuple(state[0] for state in before) if isinstance(before, tuple) else before[0]


class RNNCell(_Cell):
    """One step of a plain recurrent layer, as ``torch.nn.RNNCell``."""

    _layer = RNN


class LSTMCell(_Cell):
    """One step of an LSTM, as ``torch.nn.LSTMCell``."""

    _layer = LSTM


class GRUCell(_Cell):
    """One step of a GRU, as ``torch.nn.GRUCell``."""

    _layer = GRU


__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "Module", "Parameter", "RNN", "RNNCell"]
