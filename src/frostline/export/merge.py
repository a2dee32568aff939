"""Adapters that are merged into the weights of the encoder, so that the exported encoder has none."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from frostline.errors import Problem
from frostline.models.merge import merge_layers, restore_layers, tuner_layers
from frostline.models.trained import TrainedModel


def merge_problems(trained: TrainedModel) -> Iterator[Problem]:
    """Yield a problem if the adapter of the run cannot be merged, because it is not a factor or a term of weights."""
    inside = {id(p) for layer in tuner_layers(trained.model.encoder).values() for p in layer.parameters()}
    added = [p for block in trained.blocks if block.kind == "adapter" for p in block.parameters.values()]
    if any(id(p) not in inside for p in added):
        name = trained.config["adapter"]["_target_"].rpartition(".")[2]
        what = f"{name} adds more than weights of linear layers, so it cannot be merged into the encoder"
        yield Problem("adapter", what, "use frostline predict, or export a run with adapter=lora, dora, ia3 or none")


def encoder_without_adapter(trained: TrainedModel) -> Any:
    """Return a copy of the model of transformers as it was before an adapter was added."""
    model = copy.deepcopy(trained.model.encoder.get_submodule("model"))
    restore_layers(model)
    return model


def merged_encoder(trained: TrainedModel) -> Any:
    """Return a copy of the model of transformers with its adapter merged; without an adapter the model itself."""
    model = trained.model.encoder.get_submodule("model")
    if not tuner_layers(model):
        return model
    merged = copy.deepcopy(model)
    merge_layers(merged)
    return merged
