"""What the layers of `sluice.nn` have in common: weights with their gradients, by name."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

import numpy as np

from ._arrays import FloatArray, floats
from ._errors import UsageError


class Parameter(np.ndarray[Any, np.dtype[np.float32]]):
    """A weight: an array with its gradient beside it.

    Attributes
    ----------
    grad : ndarray or None
        The sum of what `backward` has found since it was last set to None.
    """

    grad: Any

    def __new__(cls, values: Any) -> Parameter:
        made = np.array(values, dtype=np.float32, order="C").view(cls)
        made.grad = None
        return made

    def __array_finalize__(self, made_from: Any) -> None:
        self.grad = None


def _in_place_of(own: Parameter, value: Any, name: str) -> Parameter:
    """Numbers that are to be a weight, as one."""
    array = floats(value, name)
    if array.shape != own.shape:
        raise UsageError(f"{name}: expected the shape {own.shape}, found {array.shape}")
    return array if isinstance(array, Parameter) else Parameter(array)


class Module:
    """What the layers have in common: named weights, training and evaluation mode."""

    training: bool

    def __init__(self) -> None:
        self.training = True

    def __setattr__(self, name: str, value: Any) -> None:
        own = vars(self).get(name)
        if isinstance(own, Parameter) and value is not own:
            value = _in_place_of(own, value, name)
        super().__setattr__(name, value)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """The weights with their names, in the order of PyTorch's layers."""
        for name, value in vars(self).items():
            if isinstance(value, Parameter):
                yield name, value

    def parameters(self) -> Iterator[Parameter]:
        """The weights."""
        for _, value in self.named_parameters():
            yield value

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, FloatArray]:
        """Copies of the weights under PyTorch's names."""
        return {name: np.array(value) for name, value in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes weights under PyTorch's names: arrays of NumPy or tensors."""
        own = dict(self.named_parameters())
        missing, more = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or more:
            raise UsageError(
                f"load_state_dict: expected {', '.join(sorted(own))}, found "
                + (f"no {', '.join(missing)}" if missing else f"{', '.join(more)} besides")
            )
        arrays = {name: floats(value, name) for name, value in state.items()}
        for name, array in arrays.items():
            if array.shape != own[name].shape:
                raise UsageError(f"{name}: expected the shape {own[name].shape}, found {array.shape}")
        for name, array in arrays.items():
            own[name][...] = array

    def train(self, mode: bool = True) -> Any:
        """Forward passes keep what `backward` needs, and dropout is at work."""
        self.training = mode
        return self

    def eval(self) -> Any:
        """Forward passes keep nothing, and nothing is dropped."""
        return self.train(False)


__all__ = ["Module", "Parameter"]
