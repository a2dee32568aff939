"""A model's blocks, input side first, found from the model itself: no list of families.

The longest ModuleList of equal modules holds the encoder's layers. What is used after them is `encoder.final`, all the
rest is `encoder.embeddings`: whatever could change a layer's states stands below it. Pooler and head follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from torch import nn

from frostline.freezing.plan import Block, Kind, Parameter
from frostline.models.call_order import order_of_use
from frostline.models.layers import layers_of


@dataclass(frozen=True)
class ModuleBlock:
    """A block with the modules and parameters behind it; parameters go by their names in the plan."""

    name: str
    kind: Kind
    modules: tuple[nn.Module, ...]
    parameters: dict[str, nn.Parameter]

    @property
    def described(self) -> Block:
        shapes = tuple(Parameter(name, p.numel()) for name, p in self.parameters.items())
        return Block(self.name, self.kind, shapes)


def find_blocks(encoder: nn.Module, pooler: nn.Module, head: nn.Module) -> list[ModuleBlock]:
    """All blocks of a classifier; every parameter stands in exactly one of them (tied ones in the lowest)."""
    seen: set[int] = set()
    found = [_block(name, kind, parts, seen) for name, kind, parts in _encoder_parts(encoder)]
    found.append(_block("pooler", "pooler", [("", pooler)], seen))
    found.append(_block("head", "head", [("", head)], seen))
    return [block for block in found if block.parameters or block.modules]


def head_block(head: nn.Module) -> list[ModuleBlock]:
    """Of a head that shares no parameter with the encoder; none where there is nothing in it."""
    block = _block("head", "head", [("", head)], set())
    return [block] if block.parameters or block.modules else []


Parts = list[tuple[str, nn.Module | nn.Parameter]]


def _encoder_parts(encoder: nn.Module) -> Iterable[tuple[str, Kind, Parts]]:
    found = layers_of(encoder)
    if found is None:
        yield "encoder.layer.0", "layer", [("", encoder)]
        return
    path, layers = found
    before, after = _around(encoder, path)
    yield "encoder.embeddings", "embeddings", before
    for index, layer in enumerate(layers):
        yield f"encoder.layer.{index}", "layer", [("", layer)]
    yield "encoder.final", "final", after


def _around(encoder: nn.Module, path: str) -> tuple[Parts, Parts]:
    """What stands beside the layers at each level on the way down to them: used before their end, and after it."""
    late = _used_late(encoder, path)
    before: Parts = []
    after: Parts = []
    module, prefix = encoder, ""
    for step in path.split("."):
        before += [(prefix + name, parameter) for name, parameter in module.named_parameters(recurse=False)]
        names = list(module._modules)
        for name, child in module.named_children():
            registered_late = names.index(name) > names.index(step) and not _has_table(child)
            if name != step:
                (after if late(prefix + name, registered_late) else before).append((prefix + name, child))
        module, prefix = module.get_submodule(step), f"{prefix}{step}."
    return before, after


def _used_late(encoder: nn.Module, layers: str) -> Callable[[str, bool], bool]:
    """Whether a module is first used when the layers are done; where that cannot be known, its registration tells."""
    order = [f"{path}." for path in order_of_use(encoder) or ()]
    end = max((i for i, used in enumerate(order) if used.startswith(f"{layers}.")), default=None)
    if end is None:
        return lambda path, registered_late: registered_late

    def late(path: str, registered_late: bool) -> bool:
        return next((i for i, used in enumerate(order) if used.startswith(f"{path}.")), 0) > end

    return late


def _has_table(module: nn.Module) -> bool:
    return any(isinstance(part, nn.Embedding) for part in module.modules())


def _block(name: str, kind: Kind, parts: Parts, seen: set[int]) -> ModuleBlock:
    found: dict[str, nn.Parameter] = {}
    for path, part in parts:
        for inner, parameter in [("", part)] if isinstance(part, nn.Parameter) else part.named_parameters():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                found[".".join(filter(None, (path, inner)))] = parameter
    shared = _shared_path(list(found)) if any(path for path, _ in parts) else ""
    named = {f"{name}.{path[len(shared) :]}": parameter for path, parameter in found.items()}
    return ModuleBlock(name, kind, tuple(part for _, part in parts if isinstance(part, nn.Module)), named)


def _shared_path(paths: Sequence[str]) -> str:
    """The dotted path that all names begin with, without their last word."""
    folders = [path.split(".")[:-1] for path in paths]
    shared = takewhile(lambda words: len(set(words)) == 1, zip(*folders, strict=False))
    return "".join(f"{words[0]}." for words in shared)
