"""The optimizers of the house for a stack: each head by its own rate, decay and constants.

The formulas are torch's own, element by element; a test holds one step against the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class StackedOptimizer(Protocol):
    def step(self, parameters: Mapping[str, Tensor], rates: Mapping[str, Tensor]) -> None:
        """Move stacked parameters (J, ...) by their gradients; rates (J,) by name."""
        ...

    def keep(self, places: Tensor) -> None:
        """Go on with these heads alone."""
        ...


def stepper(configs: Sequence[Mapping[str, Any]], decays: Mapping[str, Tensor]) -> StackedOptimizer:
    """For heads with these optimizers, all of one kind; decays (J,) by name of the parameter."""
    kinds: dict[str, type[StackedAdamW] | type[StackedSgd]] = {"adamw": StackedAdamW, "sgd": StackedSgd}
    return kinds[configs[0]["_target_"].rpartition(".")[2]](configs, decays)


class StackedAdamW:
    """arXiv:1711.05101, with bias correction."""

    def __init__(self, configs: Sequence[Mapping[str, Any]], decays: Mapping[str, Tensor]) -> None:
        betas = torch.tensor([list(config.get("betas", (0.9, 0.999))) for config in configs], dtype=torch.double)
        self.betas, self.decays = betas, dict(decays)
        self.eps = torch.tensor([config.get("eps", 1e-8) for config in configs], dtype=torch.double)
        self.moments: dict[str, tuple[Tensor, Tensor]] = {}
        self.steps = 0

    @torch.no_grad()
    def step(self, parameters: Mapping[str, Tensor], rates: Mapping[str, Tensor]) -> None:
        self.steps += 1
        first, second = self.betas[:, 0], self.betas[:, 1]
        unbiased, root = 1 - first**self.steps, (1 - second**self.steps).sqrt()
        for name, parameter in parameters.items():
            gradient = parameter.grad
            assert gradient is not None
            mean, square = self.moments.setdefault(name, (torch.zeros_like(parameter), torch.zeros_like(parameter)))
            rate = rates[name].double()
            parameter.mul_(_over(1 - rate * self.decays[name], parameter))
            mean.lerp_(gradient, _over(1 - first, parameter))
            square.mul_(_over(second, parameter)).add_(gradient.square() * _over(1 - second, parameter))
            size = (square.sqrt() / _over(root, parameter)).add_(_over(self.eps, parameter))
            parameter.sub_(mean / size * _over(rate / unbiased, parameter))

    def keep(self, places: Tensor) -> None:
        self.betas, self.eps = self.betas[places], self.eps[places]
        self.decays = {name: value[places] for name, value in self.decays.items()}
        self.moments = {name: (mean[places], square[places]) for name, (mean, square) in self.moments.items()}


class StackedSgd:
    """With momentum."""

    def __init__(self, configs: Sequence[Mapping[str, Any]], decays: Mapping[str, Tensor]) -> None:
        self.momentum = torch.tensor([config.get("momentum", 0.9) for config in configs], dtype=torch.double)
        self.decays, self.moved = dict(decays), dict[str, Tensor]()

    @torch.no_grad()
    def step(self, parameters: Mapping[str, Tensor], rates: Mapping[str, Tensor]) -> None:
        for name, parameter in parameters.items():
            gradient = parameter.grad
            assert gradient is not None
            gradient = gradient + parameter * _over(self.decays[name], parameter)
            before = self.moved.get(name)
            now = gradient if before is None else before.mul_(_over(self.momentum, parameter)).add_(gradient)
            self.moved[name] = now
            parameter.sub_(now * _over(rates[name], parameter))

    def keep(self, places: Tensor) -> None:
        self.momentum = self.momentum[places]
        self.decays = {name: value[places] for name, value in self.decays.items()}
        self.moved = {name: value[places] for name, value in self.moved.items()}


def _over(values: Tensor, parameter: Tensor) -> Tensor:
    """One number a head (J,), to multiply a parameter (J, ...) with."""
    return values.to(parameter.dtype).to(parameter.device).view(-1, *[1] * (parameter.dim() - 1))
