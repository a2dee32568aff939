"""Adapters in the blocks of a model: each stands as a block of its own directly after the one that it stands in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from torch import Tensor, nn

from frostline.models.blocks import ModuleBlock
from frostline.models.interfaces import Adapter

THEIRS = ("default", "base_layer")  # words that peft puts into names


def adapt(adapter: Adapter, encoder: nn.Module, blocks: Sequence[ModuleBlock]) -> list[ModuleBlock]:
    """Attach it to the encoder of these blocks; the blocks with those of the adapter.

    A host's modules go with its adapter: they rest when the adapter does, and where it learns the host's dropout acts,
    as in training without us.
    """
    adapter.attach(encoder, [module for block in blocks if block.kind == "layer" for module in block.modules])
    known = {id(p) for block in blocks for p in block.parameters.values()}
    inside = [_new(block.name, _named(block.modules), known) for block in blocks]
    beside = [(name.removeprefix("adapter."), p) for name, p in encoder.named_parameters()]
    inside[0] |= _new(blocks[0].name, beside, known)
    return [part for block, new in zip(blocks, inside, strict=True) for part in _parted(block, new)]


def own_weights(encoder: nn.Module, blocks: Sequence[ModuleBlock]) -> dict[str, Tensor]:
    """The encoder's state as it is without its adapter, by the names that it has without one."""
    added = {id(p) for block in blocks if block.kind == "adapter" for p in block.parameters.values()}
    state = encoder.state_dict(keep_vars=True)
    return {name.replace(".base_layer.", "."): value for name, value in state.items() if id(value) not in added}


def _named(modules: Iterable[nn.Module]) -> Iterable[tuple[str, nn.Parameter]]:
    for module in modules:
        yield from module.named_parameters()


def _new(host: str, named: Iterable[tuple[str, nn.Parameter]], known: set[int]) -> dict[str, nn.Parameter]:
    """Those that are not known yet, by their names in the plan; a shared one stands in the lowest host."""
    found = {}
    for name, parameter in named:
        if id(parameter) not in known:
            known.add(id(parameter))
            words = [word for word in name.split(".") if word not in THEIRS]
            found[".".join((host, "adapter", *words))] = parameter
    return found


def _parted(block: ModuleBlock, new: dict[str, nn.Parameter]) -> list[ModuleBlock]:
    if not new:
        return [block]
    return [replace(block, modules=()), ModuleBlock(f"{block.name}.adapter", "adapter", block.modules, new)]
