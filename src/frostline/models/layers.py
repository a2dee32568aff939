"""The stack of layers of a model, and the reinitialisation of its top layers."""

from __future__ import annotations

from typing import Any

from torch import nn

from frostline.errors import user_error


def layers_of(encoder: nn.Module) -> tuple[str, nn.ModuleList] | None:
    """Return the longest ModuleList whose members are of one class, with its path; the outermost of equally long ones.

    A list inside a layer (heads, experts) belongs to that layer, however long it is.
    """
    lists = [(path, m) for path, m in encoder.named_modules() if isinstance(m, nn.ModuleList) and _same_class(m)]
    stacks = [path for path, m in lists if len(m) > 1]
    outer = [entry for entry in lists if not any(entry[0].startswith(f"{stack}.") for stack in stacks)]
    return max(outer, key=lambda entry: len(entry[1]), default=None)


def parallel_lists(encoder: nn.Module) -> list[str]:
    """Return the names of lists beside the stack of layers that are as long, if there are any, and that of the stack.

    A family such as XLM has one list of attentions and one of feed-forward networks, so that no module is a layer.
    """
    stack = layers_of(encoder)
    if stack is None or len(stack[1]) < 2:
        return []
    parent = encoder.get_submodule(stack[0].rpartition(".")[0])
    lists = [(name, child) for name, child in parent.named_children() if isinstance(child, nn.ModuleList)]
    names = [name for name, child in lists if len(child) == len(stack[1])]
    return names if len(names) > 1 else []


def _same_class(modules: nn.ModuleList) -> bool:
    return len({type(module) for module in modules}) == 1


def reinitialise_top_layers(model: Any, count: int) -> None:
    """Initialise the top `count` layers of a transformers model again, as its family does (arXiv:2006.05987).

    Raises:
        UserError: the model has fewer layers.
    """
    stack = layers_of(model)
    layers = [] if stack is None else list(stack[1])
    if count > len(layers):
        what = f"{count} layers, but the encoder has {len(layers)}"
        raise user_error("encoder.reinit_top", what, f"give 0 to {len(layers)}")
    for layer in layers[len(layers) - count :]:
        members: list[Any] = [*layer.modules(), *layer.parameters()]
        for member in members:
            member._is_hf_initialized = False  # transformers skips what is marked as loaded
        for module in layer.modules():
            model._init_weights(module)
