"""What the layers of `sluice.nn` are made of: the passes forward and back, and the weights on their way to PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator

import numpy as np

from . import _core
from ._arrays import as_array, floats, like as array_like
from ._errors import UsageError
from ._module import Module, Parameter
from ._packing import Packing


def _positive(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise UsageError(f"{name}: expected a whole number of 1 or more, found {value!r}")
    return int(value)


class Recurrent(Module):
    """Layers one on the other, each in one direction or in both."""

    dh_0: Any  # the gradient of the state before the first step, after backward()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Parameter: ...  # weight_ih_l0 and the others

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        seed: int | None = None,
        cell: str,
        activation: str = "tanh",
    ) -> None:
        super().__init__()
        self.input_size = _positive("input_size", input_size)
        self.hidden_size = _positive("hidden_size", hidden_size)
        self.num_layers = _positive("num_layers", num_layers)
        self.bias = bool(bias)
        self.batch_first = bool(batch_first)
        self.dropout = float(dropout)
        self.bidirectional = bool(bidirectional)
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout: expected a number from 0 to below 1, found {dropout!r}")
        options = {
            "cell": cell,
            "activation": activation,
            "inputs": self.input_size,
            "hidden": self.hidden_size,
            "layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "bias": self.bias,
            "dropout": self.dropout,
        }
        self._options = options
        self._prepare()
        self._random = np.random.default_rng(seed)
        self.reset_parameters()

    def _prepare(self) -> None:
        """What a pickle does without."""
        self._layers = _core.Layers(self._options)
        self._names = [name for name, _ in self._shapes()]
        self._tape: _core.Tape | None = None
        self._packing: Packing | None = None

    def reset_parameters(self) -> None:
        """Draws the weights anew: uniform in ±1 / sqrt(hidden_size), as PyTorch does."""
        bound = 1 / np.sqrt(self.hidden_size)
        for name, shape in self._shapes():
            setattr(self, name, Parameter(self._random.uniform(-bound, bound, shape)))

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        rows, directions = self._layers.gates * self.hidden_size, 1 + self.bidirectional
        for layer in range(self.num_layers):
            inputs = self.input_size if layer == 0 else self.hidden_size * directions
            for suffix in [f"_l{layer}", f"_l{layer}_reverse"][:directions]:
                yield f"weight_ih{suffix}", (rows, inputs)
                yield f"weight_hh{suffix}", (rows, self.hidden_size)
                if self.bias:
                    yield f"bias_ih{suffix}", (rows,)
                    yield f"bias_hh{suffix}", (rows,)

    # Forward

    def __call__(self, x: Any, hx: Any = None, *, lengths: Any = None, like: str | None = None) -> Any:
        """The same as `forward`."""
        return self.forward(x, hx, lengths=lengths, like=like)

    def forward(self, x: Any, hx: Any = None, *, lengths: Any = None, like: str | None = None) -> Any:
        """Runs the layers over sequences.

        Parameters
        ----------
        x : array [T, B, input_size], [B, T, input_size] with batch_first, or [T, input_size]
            float32 that is C-contiguous is read where it is; everything else is converted, once. It must stay as it is
            until `backward` was called.
        hx : array [num_layers * directions, B, hidden_size], optional
            The state before the first step, zeros by default; of an LSTM the pair (h_0, c_0).
        lengths : sequence of int, optional
            Steps of each sequence, in any order; what stands after them is not read, and the output there is 0. Padded
            steps cost nothing.
        like : str, optional
            ``"torch"`` or ``"jax"``: give arrays of that library.

        Returns
        -------
        y : array
            The output of the last layer at every step, in the layout of `x`: [..., hidden_size * directions].
        h_n : array [num_layers * directions, B, hidden_size]
            The state after the last step of each sequence; of an LSTM the pair (h_n, c_n).
        """
        array = as_array(x, "x")
        single = array.ndim == 2
        if single:
            array = array[:, None]
        elif self.batch_first and array.ndim == 3:
            array = array.swapaxes(0, 1)
        if array.ndim != 3:
            raise UsageError(f"x: expected 3 dimensions, or 2 of a single sequence, found {array.ndim}")
        h0, c0 = self._states_of(hx, single)
        packing = None if lengths is None else Packing(lengths, array.shape[0], array.shape[1])
        rows: Any = floats(array, "x")
        sizes = None
        if packing is not None:
            rows, sizes = packing.pack(rows), packing.sorted
            h0, c0 = packing.sort_states(h0), packing.sort_states(c0)
        seed = int(self._random.integers(1, 2**62)) if self.training and self.dropout > 0 else 0
        weights = [getattr(self, name) for name in self._names]
        y, h, c, tape = self._layers.forward(rows, weights, sizes, h0, c0, self.training, seed)
        if packing is not None:
            y, h, c = packing.unpack(y), packing.unsort_states(h), packing.unsort_states(c)
        self._tape, self._packing, self._single = tape, packing, single
        return self._given_back(y, h, c, like)

    def _states_of(self, hx: Any, single: bool) -> tuple[Any, Any]:
        if hx is None:
            return None, None
        if self._layers.states == 2 and (not isinstance(hx, (tuple, list)) or len(hx) != 2):
            raise UsageError("hx: expected the pair (h_0, c_0)")
        both = hx if self._layers.states == 2 else (hx,)
        arrays = [floats(state, f"{'hc'[i]}_0") for i, state in enumerate(both)]
        if single:
            arrays = [state[:, None] if state.ndim == 2 else state for state in arrays]
        return arrays[0], arrays[1] if self._layers.states == 2 else None

    def _laid_out(self, y: Any) -> Any:
        if self._single:
            return y[:, 0]
        return y.swapaxes(0, 1) if self.batch_first else y

    def _given_back(self, y: Any, h: Any, c: Any, like: str | None) -> Any:
        y = self._laid_out(y)
        if self._single:
            h, c = h[:, 0], None if c is None else c[:, 0]
        y, h = array_like(y, like), array_like(h, like)
        return (y, h) if c is None else (y, (h, array_like(c, like)))

    # Backward

    def backward(self, dy: Any, dh_n: Any = None, *, like: str | None = None) -> Any:
        """Goes back through the last `forward`: adds to the ``grad`` of each weight.

        Parameters
        ----------
        dy : array
            The gradient of `y`.
        dh_n : array, optional
            That of `h_n`; of an LSTM the pair (of h_n, of c_n).

        Returns
        -------
        array
            The gradient of `x`. That of the states before the first step stands in ``self.dh_0``, of an LSTM a pair.
        """
        if self._tape is None:
            raise UsageError("backward: expected a forward() in training mode before it, found none")
        tape, packing, self._tape = self._tape, self._packing, None
        gradient: Any = floats(dy, "dy")
        if self._single:
            gradient = gradient[:, None]
        elif self.batch_first:
            gradient = floats(gradient.swapaxes(0, 1), "dy")
        dh, dc = self._states_of(dh_n, self._single)
        if packing is not None:
            gradient = packing.pack(gradient)
            dh, dc = packing.sort_states(dh), packing.sort_states(dc)
        gradients, dx, dh0, dc0 = tape.backward(gradient, dh, dc, True, True)
        for name, found in zip(self._names, gradients):
            parameter = getattr(self, name)
            parameter.grad = found if parameter.grad is None else parameter.grad + found
        if packing is not None:
            dx, dh0, dc0 = packing.unpack(dx), packing.unsort_states(dh0), packing.unsort_states(dc0)
        self.dh_0 = dh0 if dc0 is None else (dh0, dc0)
        return array_like(self._laid_out(dx), like)

    # PyTorch

    @classmethod
    def from_torch(cls, module: Any) -> Any:
        """A layer with the weights of one of ``torch.nn``."""
        if getattr(module, "proj_size", 0):
            raise UsageError(f"from_torch: expected a layer without proj_size, found {module.proj_size}")
        arguments = {}
        if module.mode.startswith("RNN"):
            arguments["nonlinearity"] = module.nonlinearity
        made = cls(module.input_size, module.hidden_size, module.num_layers, bias=module.bias,
                   batch_first=module.batch_first, dropout=module.dropout, bidirectional=module.bidirectional,
                   **arguments)
        made.load_state_dict({name: value.detach().cpu() for name, value in module.state_dict().items()})
        return made.train(module.training)

    def to_torch(self) -> Any:
        """A layer of ``torch.nn`` with these weights."""
        import torch

        made = getattr(torch.nn, self._torch_name())(
            self.input_size, self.hidden_size, self.num_layers, bias=self.bias, batch_first=self.batch_first,
            dropout=self.dropout, bidirectional=self.bidirectional, **self._torch_arguments())
        made.load_state_dict({name: torch.from_numpy(value) for name, value in self.state_dict().items()})
        return made.train(self.training)

    def _torch_name(self) -> str:
        return type(self).__name__

    def _torch_arguments(self) -> dict[str, Any]:
        return {}

    def __repr__(self) -> str:
        return (f"{type(self).__name__}({self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, "
                f"bias={self.bias}, batch_first={self.batch_first}, dropout={self.dropout}, "
                f"bidirectional={self.bidirectional})")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_layers", "_names", "_tape", "_packing")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()


__all__ = ["Recurrent"]
