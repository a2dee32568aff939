"""Merging of an adapter of peft into the weights of its encoder."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from frostline.errors import user_error


def tuner_layers(model: nn.Module) -> dict[str, Any]:
    """Return the layers that an adapter of peft has replaced, by their paths in the model."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return {path: module for path, module in model.named_modules() if isinstance(module, BaseTunerLayer)}


def merge_layers(model: nn.Module) -> None:
    """Merge LoRA, DoRA or IA3 into the weights of the model; the adapted layers take their places again."""
    for layer in tuner_layers(model).values():
        layer.merge(safe_merge=True)
    restore_layers(model)


def restore_layers(model: nn.Module) -> None:
    """Replace each layer of peft in the model by the layer that it has adapted."""
    for path, layer in tuner_layers(model).items():
        model.set_submodule(path, layer.get_base_layer())


def merged_model(encoder: nn.Module) -> Any:
    """Return a copy of the transformers model of the encoder, with LoRA, DoRA or IA3 merged into its weights.

    Without an adapter it is a copy. States differ from those of the encoder by rounding alone.

    Raises:
        UserError: the adapter adds virtual tokens, which no weight can replace.
    """
    if isinstance(getattr(encoder, "adapter", None), nn.Module):
        what = "adds virtual tokens before each text, which cannot be merged into the weights of the encoder"
        raise user_error("adapter", what, "take a run with adapter=none, lora, dora or ia3")
    model = copy.deepcopy(encoder.get_submodule("model"))
    merge_layers(model)
    return model
