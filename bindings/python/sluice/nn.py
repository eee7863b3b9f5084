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

    def _make(self, input_size: int, hidden_size: int, bias: bool, seed: int | None, **arguments: Any) -> None:
        super().__init__()
        self._inside = self._layer(input_size, hidden_size, bias=bias, seed=seed, **arguments)
        self.input_size, self.hidden_size, self.bias = self._inside.input_size, self._inside.hidden_size, bool(bias)
        self._single = False

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The weights with PyTorch's names: ``weight_ih``, ``weight_hh``, ``bias_ih``, ``bias_hh``."""
        for name, value in self._inside.named_parameters():
            yield name.removesuffix("_l0"), value

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("weight_", "bias_")) and "_inside" in vars(self):
            return getattr(self._inside, f"{name}_l0")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith(("weight_", "bias_")):
            setattr(self._inside, f"{name}_l0", value)
        else:
            super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.input_size}, {self.hidden_size}, bias={self.bias})"

    def train(self, mode: bool = True) -> Any:
        self._inside.train(mode)
        return super().train(mode)

    def __call__(self, x: Any, hx: Any = None) -> Any:
        """The same as `forward`."""
        return self.forward(x, hx)

    def forward(self, x: Any, hx: Any = None) -> Any:
        """One step: x [B, input_size], h [B, hidden_size] (of an LSTM the pair (h, c)) give the next state; of a single
        sequence x [input_size] and h [hidden_size]."""
        rows = floats(x, "x")
        if rows.ndim not in (1, 2):
            raise UsageError(f"x: expected [batch, {self.input_size}] or [{self.input_size}], found {rows.ndim} dimensions")
        self._single = rows.ndim == 1
        hx = None if hx is None else self._states(hx, "hx")
        _, last = self._inside.forward(rows.reshape(1, -1, rows.shape[-1]), hx)
        return self._last(last)

    def _states(self, given: Any, name: str) -> Any:
        """States as the layer has them."""
        both = given if isinstance(given, (tuple, list)) else (given,)
        arrays = [floats(state, name) for state in both]
        ndim = 1 if self._single else 2
        for array in arrays:
            if array.ndim != ndim:
                raise UsageError(f"{name}: expected {ndim} dimensions, as x has, found {array.ndim}")
        states = tuple(array.reshape(1, -1, array.shape[-1]) for array in arrays)
        return states[0] if len(states) == 1 else states

    def _last(self, states: Any) -> Any:
        """States of the layer as the cell has them."""
        if isinstance(states, tuple):
            return tuple(self._last(state) for state in states)
        return states[0, 0] if self._single else states[0]

    def backward(self, dh: Any) -> tuple[Any, Any]:
        """After `forward`: the gradient of the next state (of an LSTM a pair) gives those of x and of the state."""
        states = self._states(dh, "dh")
        zeros = np.zeros_like(states[0] if isinstance(states, tuple) else states)
        dx = self._inside.backward(zeros, states)
        return self._last(dx), self._last(self._inside.dh_0)

    # PyTorch

    @classmethod
    def from_torch(cls, module: Any) -> Any:
        """A cell with the weights of one of ``torch.nn``."""
        arguments = {"nonlinearity": module.nonlinearity} if hasattr(module, "nonlinearity") else {}
        made = cls(module.input_size, module.hidden_size, bool(module.bias), **arguments)
        made.load_state_dict({name: value.detach().cpu() for name, value in module.state_dict().items()})
        return made.train(module.training)

    def to_torch(self) -> Any:
        """A cell of ``torch.nn`` with these weights."""
        import torch

        kind = getattr(torch.nn, f"{self._inside._torch_name()}Cell")
        made = kind(self.input_size, self.hidden_size, bias=self.bias, **self._inside._torch_arguments())
        made.load_state_dict({name: torch.from_numpy(value) for name, value in self.state_dict().items()})
        return made.train(self.training)


class RNNCell(_Cell):
    """One step of a plain recurrent layer, as ``torch.nn.RNNCell``."""

    _layer = RNN

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", *,
                 seed: int | None = None) -> None:
        self._make(input_size, hidden_size, bias, seed, nonlinearity=nonlinearity)


class LSTMCell(_Cell):
    """One step of an LSTM, as ``torch.nn.LSTMCell``."""

    _layer = LSTM

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, *, seed: int | None = None) -> None:
        self._make(input_size, hidden_size, bias, seed)


class GRUCell(_Cell):
    """One step of a GRU, as ``torch.nn.GRUCell``."""

    _layer = GRU

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, *, reset_after: bool = True,
                 seed: int | None = None) -> None:
        self._make(input_size, hidden_size, bias, seed, reset_after=reset_after)


__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "Module", "Parameter", "RNN", "RNNCell"]
