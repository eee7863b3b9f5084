"""Layers of ``torch.nn`` whose passes on a processor run here: a training script becomes faster by one changed import.

>>> import torch, sluice.torch
>>> layer = sluice.torch.GRU(8, 16)      # in the place of torch.nn.GRU
>>> y, h = layer(torch.ones(5, 4, 8))
>>> y.sum().backward()
>>> layer.weight_ih_l0.grad.shape
torch.Size([48, 8])

Each is a subclass of PyTorch's own layer, with its arguments, weights and state dict. What runs elsewhere than on a
processor or in other numbers than float32, and an LSTM with ``proj_size``, is left to PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence

from . import _core


class _Pass(torch.autograd.Function):
    """A forward pass of all layers and its way back."""

    @staticmethod
    def forward(ctx: Any, layers: Any, lengths: Any, seed: int, x: Any, h0: Any, c0: Any, *weights: Any) -> Any:
        y, h, c, ctx.tape = _run(layers, lengths, seed, x, h0, c0, weights, keep=True)
        ctx.save_for_backward(x)  # which PyTorch then sees to it that nobody has changed
        ctx.two = c is not None
        ctx.set_materialize_grads(False)
        return (y, h, c) if ctx.two else (y, h)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Any, dh: Any, dc: Any = None) -> Any:
        if ctx.tape is None:
            raise RuntimeError("sluice.torch: expected to go back once, found a second backward() through one pass")
        _ = ctx.saved_tensors
        needs = ctx.needs_input_grad
        gradients, dx, dh0, dc0 = ctx.tape.backward(*map(_array, (dy, dh, dc)), needs[3], needs[4] or needs[5])
        ctx.tape = None
        found = [None if array is None else torch.from_numpy(array) for array in (dx, dh0, dc0, *gradients)]
        return (None, None, None, *found)


def _transformed() -> bool:
    """Whether torch.func.vmap, grad or the like is at work, which an autograd function would have to know of."""
    active = getattr(torch._C, "_are_functorch_transforms_active", None)
    return active is not None and bool(active())


def _array(tensor: Any) -> Any:
    return None if tensor is None else tensor.detach().contiguous().numpy()


def _run(layers: Any, lengths: Any, seed: int, x: Any, h0: Any, c0: Any, weights: Any, keep: bool) -> Any:
    y, h, c, tape = layers.forward(_array(x), [_array(w) for w in weights], lengths, _array(h0), _array(c0), keep, seed)
    return torch.from_numpy(y), torch.from_numpy(h), None if c is None else torch.from_numpy(c), tape


class _Fast:
    """`forward` of the layers below, in front of PyTorch's own."""

    _cell: str

    def _engine(self) -> Any:
        layer: Any = self
        options = {
            "cell": self._cell,
            "activation": getattr(layer, "nonlinearity", "tanh"),
            "inputs": layer.input_size,
            "hidden": layer.hidden_size,
            "layers": layer.num_layers,
            "bidirectional": layer.bidirectional,
            "bias": bool(layer.bias),
            "dropout": float(layer.dropout),
        }
        made, engine = self.__dict__.get("_sluice", (None, None))
        if made != options:  # dropout may have been changed
            engine = _core.Layers(options)
            self.__dict__["_sluice"] = options, engine
        return engine

    def _suits(self, x: Any, hx: Any, weights: Any) -> bool:
        layer: Any = self
        tensors = [x, *weights, *(hx if isinstance(hx, tuple) else () if hx is None else (hx,))]
        plain = all(t.device.type == "cpu" and t.dtype == torch.float32 for t in tensors)
        return (plain and layer.proj_size == 0 and layer.dropout < 1 and x.numel() > 0
                and not torch.is_autocast_enabled("cpu") and not torch.jit.is_tracing()
                and not torch.compiler.is_compiling() and not _transformed())

    def forward(self, input: Any, hx: Any = None) -> Any:
        """As PyTorch's: a tensor or a PackedSequence, and the state before the first step."""
        layer: Any = self
        # By their names, since torch.func.functional_call and parametrizations put others in the place of the layer's own.
        weights = [getattr(layer, name) for name in layer._flat_weights_names]
        packed = isinstance(input, PackedSequence)
        x = input.data if packed else input
        two = self._cell == "lstm"
        if two and isinstance(hx, list):
            hx = tuple(hx)
        if not two and isinstance(hx, (tuple, list)) or two and hx is not None and (not isinstance(hx, tuple) or len(hx) != 2):
            expected = "the pair (h_0, c_0)" if two else "a tensor"
            raise RuntimeError(f"{type(self).__name__}: expected {expected} as hx, found {type(hx).__name__}")
        if not self._suits(x, hx, weights):
            return super().forward(input, hx)  # type: ignore[misc]
        single = not packed and x.dim() == 2
        if not packed and x.dim() not in (2, 3):
            raise RuntimeError(f"{type(self).__name__}: expected 2 or 3 dimensions, found {x.dim()}")
        lengths = None
        if packed:
            sizes = input.batch_sizes.numpy()
            # Sequence b, of those in the order of their lengths, has as many steps as there are with more than b of them.
            shorter = np.searchsorted(sizes[::-1], np.arange(sizes[0]), side="right")
            lengths = (len(sizes) - shorter).astype(np.uint32)
        elif single:
            x = x.unsqueeze(1)
        elif layer.batch_first:
            x = x.transpose(0, 1)
        states = (None, None) if hx is None else hx if two else (hx, None)
        if hx is not None and single:
            states = tuple(None if s is None else s.unsqueeze(1) if s.dim() == 2 else s for s in states)
        if packed and input.sorted_indices is not None and hx is not None:
            states = tuple(None if s is None else s.index_select(1, input.sorted_indices) for s in states)
        seed = 0
        if layer.training and layer.dropout > 0:
            seed = int(torch.randint(1, 2**62, (1,)).item())  # PyTorch's own generator
        tensors = [x, *weights, *(s for s in states if s is not None)]
        if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
            out = _Pass.apply(self._engine(), lengths, seed, x, *states, *weights)
            y, h, c = out if two else (*out, None)
        else:
            y, h, c, _ = _run(self._engine(), lengths, seed, x, states[0], states[1], weights, keep=False)
        if packed:
            y = PackedSequence(y, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
            if input.unsorted_indices is not None:
                h = h.index_select(1, input.unsorted_indices)
                c = None if c is None else c.index_select(1, input.unsorted_indices)
        elif single:
            y, h, c = y.squeeze(1), h.squeeze(1), None if c is None else c.squeeze(1)
        elif layer.batch_first:
            y = y.transpose(0, 1)
        return y, ((h, c) if two else h)

    def __getstate__(self) -> Any:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        state.pop("_sluice", None)
        return state


class GRU(_Fast, torch.nn.GRU):
    """``torch.nn.GRU`` that runs here on a processor."""

    _cell = "gru-reset-after"


class LSTM(_Fast, torch.nn.LSTM):
    """``torch.nn.LSTM`` that runs here on a processor."""

    _cell = "lstm"


class RNN(_Fast, torch.nn.RNN):
    """``torch.nn.RNN`` that runs here on a processor."""

    _cell = "rnn"


__all__ = ["GRU", "LSTM", "RNN"]
