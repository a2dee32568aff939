"""In which order an encoder uses its modules, found by a forward pass on shapes alone: no weights are read.

Families register their modules in any order (OPT its last norm before its layers, DeBERTa the norm of its relative
positions after them); what is used before a layer, and would change the layer's states, must not count as above it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode


def order_of_use(encoder: nn.Module) -> list[str] | None:
    """Paths of the modules as they are called on token ids (B, T); None where shapes are not enough to know."""
    called: list[str] = []
    hooks = [
        module.register_forward_pre_hook(lambda module, inputs, path=path: called.append(path))
        for path, module in encoder.named_modules()
    ]
    shapes = {name: value.to("meta") for name, value in [*encoder.named_parameters(), *encoder.named_buffers()]}
    text = torch.ones(2, 8, dtype=torch.long, device="meta")
    try:
        with torch.no_grad(), _Unpadded():
            functional_call(encoder, shapes, (text, text))
    except Exception:  # whatever the model's own code raises when it meets tensors without values
        return None
    finally:
        for hook in hooks:
            hook.remove()
    return called


class _Unpadded(TorchFunctionMode):
    """Questions about values are answered as for a text without padding: "is all of the mask set?" yes."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.__bool__, Tensor.item) and args[0].is_meta:
            return True
        return func(*args, **(kwargs or {}))
