"""Adapters in the blocks of a model: the adapter of a block is a separate block directly after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from torch import nn

from frostline.models.blocks import ModuleBlock
from frostline.models.interfaces import Adapter
from frostline.models.merge import merge_layers, tuner_layers

PEFT_NAME_PARTS = ("default", "base_layer")  # components that peft inserts into names of parameters


def attach_adapter(adapter: Adapter, encoder: nn.Module, blocks: Sequence[ModuleBlock]) -> list[ModuleBlock]:
    """Attach the adapter to the encoder of `blocks`; return the blocks together with those of the adapter.

    The modules of a block move to the block of its adapter: they are in eval mode while the adapter is frozen, and
    their dropout is active while it is trained, as in training with peft alone.
    """
    adapter.attach(encoder, [module for block in blocks if block.kind == "layer" for module in block.modules])
    known = {id(p) for block in blocks for p in block.parameters.values()}
    added = [_adapter_parameters(block.name, _parameters_of(block.modules), known) for block in blocks]
    outside = [(name.removeprefix("adapter."), p) for name, p in encoder.named_parameters()]
    added[0] |= _adapter_parameters(blocks[0].name, outside, known)
    return [part for block, new in zip(blocks, added, strict=True) for part in _with_adapter_block(block, new)]


def merge_adapter(encoder: nn.Module, blocks: Sequence[ModuleBlock]) -> bool:
    """Merge the adapter in the layers of the encoder into their weights and remove it.

    Return whether that was possible; if not, the encoder is not changed.
    """
    adapters = [block for block in blocks if block.kind == "adapter"]
    if not adapters:
        return True
    merged = {id(p) for layer in tuner_layers(encoder).values() for p in layer.parameters()}
    if not all(id(p) in merged for block in adapters for p in block.parameters.values()):
        return False
    merge_layers(encoder)
    vars(encoder).pop("peft_config", None)  # so that another adapter can be attached
    encoder.requires_grad_(True)
    return True


def _parameters_of(modules: Iterable[nn.Module]) -> Iterable[tuple[str, nn.Parameter]]:
    for module in modules:
        yield from module.named_parameters()


def _adapter_parameters(
    block: str, parameters: Iterable[tuple[str, nn.Parameter]], known: set[int]
) -> dict[str, nn.Parameter]:
    """Return those that are not yet in `known`, by their names in the plan; a shared one is in the lowest block."""
    added = {}
    for name, parameter in parameters:
        if id(parameter) not in known:
            known.add(id(parameter))
            components = [component for component in name.split(".") if component not in PEFT_NAME_PARTS]
            added[".".join((block, "adapter", *components))] = parameter
    return added


def _with_adapter_block(block: ModuleBlock, added: dict[str, nn.Parameter]) -> list[ModuleBlock]:
    if not added:
        return [block]
    return [replace(block, modules=()), ModuleBlock(f"{block.name}.adapter", "adapter", block.modules, added)]
