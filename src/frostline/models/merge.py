"""Merging of an adapter into the weights of its encoder."""

from __future__ import annotations

import copy
from typing import Any

from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from frostline.errors import user_error


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
    layers = {path: module for path, module in model.named_modules() if isinstance(module, BaseTunerLayer)}
    for path, layer in layers.items():
        merging: Any = layer  # every layer of peft can be merged; the base class does not declare the arguments
        merging.merge(safe_merge=True)
        model.set_submodule(path, merging.get_base_layer())
    return model
