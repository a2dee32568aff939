"""AdamW and SGD for stacked heads, each head with its own learning rate, weight decay and constants.

The formulas are those of torch, element by element; a test compares both step by step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class StackedOptimizer(Protocol):
    def step(self, parameters: Mapping[str, Tensor], rates: Mapping[str, Tensor]) -> None:
        """Update stacked parameters (J, ...) by their gradients. rates: learning rates (J,) by parameter."""
        ...

    def select(self, heads: Tensor) -> None:
        """Continue with the heads at these indices."""
        ...


def stacked_optimizer(configs: Sequence[Mapping[str, Any]], decays: Mapping[str, Tensor]) -> StackedOptimizer:
    """Return the optimizer of J heads whose optimizers have one class. decays: weight decay (J,) by parameter."""
    classes: dict[str, type[StackedAdamW] | type[StackedSgd]] = {"adamw": StackedAdamW, "sgd": StackedSgd}
    return classes[configs[0]["_target_"].rpartition(".")[2]](configs, decays)


class StackedAdamW:
    """AdamW (arXiv:1711.05101) with bias correction."""

    def __init__(self, configs: Sequence[Mapping[str, Any]], decays: Mapping[str, Tensor]) -> None:
        betas = torch.tensor([list(config.get("betas", (0.9, 0.999))) for config in configs], dtype=torch.double)
        self.betas, self.decays = betas, dict(decays)
        self.eps = torch.tensor([config.get("eps", 1e-8) for config in configs], dtype=torch.double)
        self.averages: dict[str, tuple[Tensor, Tensor]] = {}  # of gradients and of their squares
        self.steps = 0

    @torch.no_grad()
    def step(self, parameters: Mapping[str, Tensor], rates: Mapping[str, Tensor]) -> None:
        self.steps += 1
        first, second = self.betas[:, 0], self.betas[:, 1]
        unbiased, root = 1 - first**self.steps, (1 - second**self.steps).sqrt()
        for name, parameter in parameters.items():
            gradient = parameter.grad
            assert gradient is not None
            mean, square = self.averages.setdefault(name, (torch.zeros_like(parameter), torch.zeros_like(parameter)))
            rate = rates[name].double()
            parameter.mul_(_broadcast_to(1 - rate * self.decays[name], parameter))
            mean.lerp_(gradient, _broadcast_to(1 - first, parameter))
            square.mul_(_broadcast_to(second, parameter)).add_(gradient.square() * _broadcast_to(1 - second, parameter))
            scale = (square.sqrt() / _broadcast_to(root, parameter)).add_(_broadcast_to(self.eps, parameter))
            parameter.sub_(mean / scale * _broadcast_to(rate / unbiased, parameter))

    def select(self, heads: Tensor) -> None:
        self.betas, self.eps = self.betas[heads], self.eps[heads]
        self.decays = {name: value[heads] for name, value in self.decays.items()}
        self.averages = {name: (mean[heads], square[heads]) for name, (mean, square) in self.averages.items()}


class StackedSgd:
    """SGD with momentum."""

    def __init__(self, configs: Sequence[Mapping[str, Any]], decays: Mapping[str, Tensor]) -> None:
        self.momentum = torch.tensor([config.get("momentum", 0.9) for config in configs], dtype=torch.double)
        self.decays, self.buffers = dict(decays), dict[str, Tensor]()

    @torch.no_grad()
    def step(self, parameters: Mapping[str, Tensor], rates: Mapping[str, Tensor]) -> None:
        for name, parameter in parameters.items():
            gradient = parameter.grad
            assert gradient is not None
            gradient = gradient + parameter * _broadcast_to(self.decays[name], parameter)
            before = self.buffers.get(name)
            now = gradient if before is None else before.mul_(_broadcast_to(self.momentum, parameter)).add_(gradient)
            self.buffers[name] = now
            parameter.sub_(now * _broadcast_to(rates[name], parameter))

    def select(self, heads: Tensor) -> None:
        self.momentum = self.momentum[heads]
        self.decays = {name: value[heads] for name, value in self.decays.items()}
        self.buffers = {name: value[heads] for name, value in self.buffers.items()}


def _broadcast_to(values: Tensor, parameter: Tensor) -> Tensor:
    """Return one value a head (J,) in a shape that multiplies a stacked parameter (J, ...)."""
    return values.to(parameter.dtype).to(parameter.device).view(-1, *[1] * (parameter.dim() - 1))
