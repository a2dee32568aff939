"""Adapters that are merged into the weights of the encoder, so that the exported encoder has none."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from frostline.errors import Problem
from frostline.models.trained import TrainedModel


def merge_problems(trained: TrainedModel) -> Iterator[Problem]:
    """Yield a problem if the adapter of the run cannot be merged, because it is not a factor or a term of weights."""
    inside = {id(p) for layer in tuner_layers(trained.model.encoder) for p in layer.parameters()}
    added = [p for block in trained.blocks if block.kind == "adapter" for p in block.parameters.values()]
    if any(id(p) not in inside for p in added):
        name = trained.config["adapter"]["_target_"].rpartition(".")[2]
        what = f"{name} adds more than weights of linear layers, so it cannot be merged into the encoder"
        yield Problem("adapter", what, "use frostline predict, or export a run with adapter=lora, dora, ia3 or none")


def encoder_without_adapter(trained: TrainedModel) -> Any:
    """Return a copy of the model of transformers as it was before an adapter was added."""
    return _with_base_layers(copy.deepcopy(trained.model.encoder.get_submodule("model")))


def merged_encoder(trained: TrainedModel) -> Any:
    """Return a copy of the model of transformers with its adapter merged; without an adapter the model itself."""
    model = trained.model.encoder.get_submodule("model")
    if not tuner_layers(model):
        return model
    merged = copy.deepcopy(model)
    for layer in tuner_layers(merged):
        with torch.no_grad():
            layer.merge(safe_merge=True)
    return _with_base_layers(merged)


def _with_base_layers(model: nn.Module) -> nn.Module:
    """Replace each layer of peft by the layer that it has adapted."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            model.set_submodule(name, layer.get_base_layer())
    return model


def tuner_layers(model: nn.Module) -> list[Any]:
    """Return the layers that an adapter of peft has replaced."""
    return [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
