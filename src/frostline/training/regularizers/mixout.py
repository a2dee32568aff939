from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from frostline.training.regularizers.base import Regularizer
from frostline.types import PartShare


class Mixout(Regularizer):
    """Mixout (arXiv:1909.11299): in each forward pass, each weight is the pre-trained one with probability p.

    It acts on the trained weight matrices of the encoder's linear layers, in training mode; frozen blocks do not
    change. With M from Bernoulli(1 - p), the weights are (M w + (1 - M) w0 - p w0) / (1 - p), whose mean is w. The
    paper finds p from 0.7 to 0.9 best, and its code turns dropout off; here the encoder's dropout stays on. Each
    forward pass, and so each rank, samples another M. It needs memory for w0, which is that of these matrices once
    more, and during a step for the mixed ones.
    """

    uses_pretrained_weights = True

    def __init__(self, p: PartShare = 0.7) -> None:
        self.p = p
        self.pretrained: dict[nn.Module, Tensor] = {}
        self.replaced: dict[nn.Module, nn.Parameter] = {}

    def begin(self, model: nn.Module, parameters: Mapping[str, nn.Parameter]) -> None:
        encoder: Any = model.get_submodule("encoder")
        for layer in encoder.modules():
            weight = layer._parameters.get("weight")
            if is_linear(layer) and weight is not None and weight.requires_grad:
                self.pretrained[layer] = weight.detach().clone()
                # The mixed weight replaces the parameter during the forward pass only, so that it keeps its name.
                layer.register_forward_pre_hook(self._mix_weight)
                layer.register_forward_hook(self._restore_weight, always_call=True)

    def _mix_weight(self, layer: nn.Module, _: Any) -> None:
        weight = layer._parameters["weight"]
        if not layer.training or weight is None or not weight.requires_grad:
            return
        pretrained = self.pretrained[layer] = self.pretrained[layer].to(weight.device)  # the model has moved there
        self.replaced[layer] = weight
        layer._parameters["weight"] = mixed(weight, pretrained, self.p)  # type: ignore[assignment]  # it has a gradient

    def _restore_weight(self, layer: nn.Module, *_: Any) -> None:
        if layer in self.replaced:
            layer._parameters["weight"] = self.replaced.pop(layer)


def mixed(weight: Tensor, pretrained: Tensor, p: float) -> Tensor:
    """Return `weight`, each value pre-trained with probability p, scaled so that the mean is `weight`."""
    mask = torch.empty_like(pretrained).bernoulli_(1 - p)
    return (mask * weight + (1 - mask - p) * pretrained) / (1 - p)


def is_linear(layer: nn.Module) -> bool:
    """Return whether a module is a linear layer; GPT-2 and its family use the class Conv1D."""
    return isinstance(layer, nn.Linear) or type(layer).__name__ == "Conv1D"
