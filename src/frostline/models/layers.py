"""A model's stack of layers, and its top ones drawn anew."""

from __future__ import annotations

from typing import Any

from torch import nn

from frostline.errors import user_error


def layers_of(encoder: nn.Module) -> tuple[str, nn.ModuleList] | None:
    """The path and the longest ModuleList whose members are of one class; the outermost where several are equal.

    A list inside a layer (heads, experts) is part of that layer, however long it is.
    """
    lists = [(path, m) for path, m in encoder.named_modules() if isinstance(m, nn.ModuleList) and _alike(m)]
    stacks = [path for path, m in lists if len(m) > 1]
    outer = [entry for entry in lists if not any(entry[0].startswith(f"{stack}.") for stack in stacks)]
    return max(outer, key=lambda entry: len(entry[1]), default=None)


def _alike(modules: nn.ModuleList) -> bool:
    return len({type(module) for module in modules}) == 1


def draw_top(model: Any, count: int) -> None:
    """Draw the top `count` layers of a transformers model as its family initialises them (arXiv:2006.05987).

    Raises:
        UserError: the model has not so many layers.
    """
    found = layers_of(model)
    layers = [] if found is None else list(found[1])
    if count > len(layers):
        what = f"{count} layers, but the encoder has {len(layers)}"
        raise user_error("encoder.reinit_top", what, f"give 0 to {len(layers)}")
    for layer in layers[len(layers) - count :]:
        everything: list[Any] = [*layer.modules(), *layer.parameters()]
        for part in everything:
            part._is_hf_initialized = False  # else it is left as it was loaded
        for module in layer.modules():
            model._init_weights(module)
