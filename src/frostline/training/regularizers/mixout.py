from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from frostline.training.regularizers.base import Regularizer
from frostline.types import PartShare


class Mixout(Regularizer):
    """Mixout (arXiv:1909.11299): in a forward pass each weight is with chance p the pre-trained one.

    Acts on the matrices that learn of the encoder's linear layers, in training mode alone: blocks that rest are as
    they are. With M drawn from Bernoulli(1 - p): w' = (M w + (1 - M) w0 - p w0) / (1 - p), whose mean is w. The paper
    finds p from 0.7 to 0.9 best and its code turns dropout off; here dropout stays as the encoder has it. Each
    pass over a batch, and so each rank, draws its own M. Kept beside the model: w0, once more the memory of these
    matrices, and while a step lasts the mixed ones.
    """

    uses_pretrained_weights = True

    def __init__(self, p: PartShare = 0.7) -> None:
        self.p = p
        self.start: dict[nn.Module, Tensor] = {}
        self.own: dict[nn.Module, nn.Parameter] = {}

    def begin(self, network: nn.Module, parameters: Mapping[str, nn.Parameter]) -> None:
        encoder: Any = network.get_submodule("encoder")
        for layer in encoder.modules():
            weight = layer._parameters.get("weight")
            if _is_linear(layer) and weight is not None and weight.requires_grad:
                self.start[layer] = weight.detach().clone()
                # For the pass alone the mixed weight stands in the place of the parameter, which keeps its name.
                layer.register_forward_pre_hook(self._mix)
                layer.register_forward_hook(self._put_back, always_call=True)

    def _mix(self, layer: nn.Module, _: Any) -> None:
        weight = layer._parameters["weight"]
        if not layer.training or weight is None or not weight.requires_grad:
            return
        start = self.start[layer] = self.start[layer].to(weight.device)  # the model moves there after `begin`
        self.own[layer] = weight
        layer._parameters["weight"] = mixed(weight, start, self.p)  # type: ignore[assignment]  # no leaf, on purpose

    def _put_back(self, layer: nn.Module, *_: Any) -> None:
        if layer in self.own:
            layer._parameters["weight"] = self.own.pop(layer)


def mixed(weight: Tensor, start: Tensor, p: float) -> Tensor:
    """Each of `weight` with chance p the one of `start`, scaled so that the mean is `weight`."""
    kept = torch.empty_like(start).bernoulli_(1 - p)
    return (kept * weight + (1 - kept - p) * start) / (1 - p)


def _is_linear(layer: nn.Module) -> bool:
    """GPT-2's family has a class of its own for them."""
    return isinstance(layer, nn.Linear) or type(layer).__name__ == "Conv1D"
