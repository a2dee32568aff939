"""The order in which an encoder calls its modules, and the width of its states, from a forward pass on the meta device.

Such a pass reads no weights.

Families register their modules in any order (OPT its last norm before its layers, DeBERTa the norm of its relative
positions after them). A module that is called before a layer can change the states of that layer, so it must not be
counted as above it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode


def module_call_order(encoder: nn.Module) -> list[str] | None:
    """Return the paths of the modules in the order of their calls on token ids (B, T), or None if the pass fails.

    A pass on the meta device fails where the code of the model depends on values.
    """
    called: list[str] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, inputs, path=path: called.append(path))
        for path, module in encoder.named_modules()
    ]
    try:
        states = meta_states(encoder)
    finally:
        for hook in hooks:
            hook.remove()
    return None if states is None else called


def output_width(encoder: nn.Module) -> int | None:
    """Return the width D of an encoder's states (B, T, D), or None if the pass on the meta device fails."""
    states = meta_states(encoder)
    return None if states is None else int(states.shape[-1])


def meta_states(encoder: nn.Module, tokens: int = 8) -> Tensor | None:
    """Return states (2, tokens, D) on the meta device, or None if the code of the model fails there."""
    shapes = {name: value.to("meta") for name, value in [*encoder.named_parameters(), *encoder.named_buffers()]}
    text = torch.ones(2, tokens, dtype=torch.long, device="meta")
    try:
        with torch.no_grad(), _AssumeNoPadding():
            states: Tensor = functional_call(encoder, shapes, (text, text))
    except Exception:  # whatever the model's code raises for tensors without values
        return None
    return states


class _AssumeNoPadding(TorchFunctionMode):
    """Answers True to conditions on values of meta tensors such as "is all of the mask set?", as without padding."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.__bool__, Tensor.item) and args[0].is_meta:
            return True
        return func(*args, **(kwargs or {}))
