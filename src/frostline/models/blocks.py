"""The blocks of a model, input side first, derived from its modules without a list of families.

The longest ModuleList of modules of one class holds the layers of the encoder. Modules called after the layers form
`encoder.final`; all the rest, which could change the states of a layer, forms `encoder.embeddings`. Pooler and head
follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from torch import nn

from frostline.freezing.plan import Block, Kind, Parameter
from frostline.models.call_order import module_call_order
from frostline.models.layers import layers_of


@dataclass(frozen=True)
class ModuleBlock:
    """A block with its modules and its parameters, which go by their names in the plan."""

    name: str
    kind: Kind
    modules: tuple[nn.Module, ...]
    parameters: dict[str, nn.Parameter]

    @property
    def plan_block(self) -> Block:
        """Return the block as the plan describes it: names and sizes of parameters, without modules."""
        shapes = tuple(Parameter(name, p.numel()) for name, p in self.parameters.items())
        return Block(self.name, self.kind, shapes)


def find_blocks(encoder: nn.Module, pooler: nn.Module, head: nn.Module) -> list[ModuleBlock]:
    """Return all blocks of a classifier; each parameter is in exactly one of them, a tied one in the lowest."""
    seen: set[int] = set()
    blocks = [_collect_block(name, kind, members, seen) for name, kind, members in _encoder_members(encoder)]
    blocks.append(_collect_block("pooler", "pooler", [("", pooler)], seen))
    blocks.append(_collect_block("head", "head", [("", head)], seen))
    return [block for block in blocks if block.parameters or block.modules]


def head_block(head: nn.Module) -> list[ModuleBlock]:
    """Return the block of a head that shares no parameter with the encoder; an empty list for an empty head."""
    block = _collect_block("head", "head", [("", head)], set())
    return [block] if block.parameters or block.modules else []


Members = list[tuple[str, nn.Module | nn.Parameter]]


def _encoder_members(encoder: nn.Module) -> Iterable[tuple[str, Kind, Members]]:
    stack = layers_of(encoder)
    if stack is None:
        yield "encoder.layer.0", "layer", [("", encoder)]
        return
    path, layers = stack
    before, after = _modules_around_layers(encoder, path)
    yield "encoder.embeddings", "embeddings", before
    for index, layer in enumerate(layers):
        yield f"encoder.layer.{index}", "layer", [("", layer)]
    yield "encoder.final", "final", after


def _modules_around_layers(encoder: nn.Module, path: str) -> tuple[Members, Members]:
    """Return the siblings of each module on the path to the layers: those called before the last layer, and after."""
    is_late = _used_after_layers(encoder, path)
    before: Members = []
    after: Members = []
    module, prefix = encoder, ""
    for step in path.split("."):
        before += [(prefix + name, parameter) for name, parameter in module.named_parameters(recurse=False)]
        names = list(module._modules)
        for name, child in module.named_children():
            registered_late = names.index(name) > names.index(step) and not _has_embedding(child)
            if name != step:
                (after if is_late(prefix + name, registered_late) else before).append((prefix + name, child))
        module, prefix = module.get_submodule(step), f"{prefix}{step}."
    return before, after


def _used_after_layers(encoder: nn.Module, layers: str) -> Callable[[str, bool], bool]:
    """Return a predicate: is a module first called after the layers? Without a call order, its registration decides."""
    order = [f"{path}." for path in module_call_order(encoder) or ()]
    end = max((i for i, used in enumerate(order) if used.startswith(f"{layers}.")), default=None)
    if end is None:
        return lambda path, registered_late: registered_late

    def is_late(path: str, registered_late: bool) -> bool:
        return next((i for i, used in enumerate(order) if used.startswith(f"{path}.")), 0) > end

    return is_late


def _has_embedding(module: nn.Module) -> bool:
    return any(isinstance(child, nn.Embedding) for child in module.modules())


def _collect_block(name: str, kind: Kind, members: Members, seen: set[int]) -> ModuleBlock:
    """Return the block of `members` with those parameters that are not yet in `seen`, a set of ids."""
    by_path: dict[str, nn.Parameter] = {}
    for path, member in members:
        for inner, parameter in [("", member)] if isinstance(member, nn.Parameter) else member.named_parameters():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                by_path[".".join(filter(None, (path, inner)))] = parameter
    prefix = _common_prefix(list(by_path)) if any(path for path, _ in members) else ""
    parameters = {f"{name}.{path[len(prefix) :]}": parameter for path, parameter in by_path.items()}
    return ModuleBlock(name, kind, tuple(m for _, m in members if isinstance(m, nn.Module)), parameters)


def _common_prefix(paths: Sequence[str]) -> str:
    """Return the dotted prefix that all paths share, without their last components."""
    folders = [path.split(".")[:-1] for path in paths]
    shared = takewhile(lambda words: len(set(words)) == 1, zip(*folders, strict=False))
    return "".join(f"{words[0]}." for words in shared)
