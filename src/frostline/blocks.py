"""A model's blocks, input side first, found from the model itself: no list of families.

The longest ModuleList of equal modules holds the encoder's layers. What is registered before it (and every embedding
table) is `encoder.embeddings`, what comes after it is `encoder.final`; pooler and head follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os.path import commonprefix

from torch import nn

from frostline.plan import Block, Kind, Parameter


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


def layers_of(encoder: nn.Module) -> tuple[str, nn.ModuleList] | None:
    """The path and the longest ModuleList whose members are of one class; the outermost where several are equal."""
    lists = [(path, m) for path, m in encoder.named_modules() if isinstance(m, nn.ModuleList) and _alike(m)]
    return max(lists, key=lambda entry: len(entry[1]), default=None)


def _alike(modules: nn.ModuleList) -> bool:
    return len({type(module) for module in modules}) == 1


Parts = list[tuple[str, nn.Module]]


def _encoder_parts(encoder: nn.Module) -> Iterable[tuple[str, Kind, Parts]]:
    found = layers_of(encoder)
    if found is None:
        yield "encoder.layer.0", "layer", [("", encoder)]
        return
    path, layers = found
    before, after = _around(encoder, path.split("."))
    yield "encoder.embeddings", "embeddings", before
    for index, layer in enumerate(layers):
        yield f"encoder.layer.{index}", "layer", [("", layer)]
    yield "encoder.final", "final", after


def _around(encoder: nn.Module, steps: Sequence[str]) -> tuple[Parts, Parts]:
    """The modules registered before and after the layers at each level on the way down to them."""
    before: Parts = []
    after: Parts = []
    module, prefix = encoder, ""
    for step in steps:
        side = before
        for name, child in module.named_children():
            if name == step:
                side = after
            else:
                (before if _has_table(child) else side).append((prefix + name, child))
        module, prefix = module.get_submodule(step), f"{prefix}{step}."
    return before, after


def _has_table(module: nn.Module) -> bool:
    return any(isinstance(part, nn.Embedding) for part in module.modules())


def _block(name: str, kind: Kind, parts: Parts, seen: set[int]) -> ModuleBlock:
    found: dict[str, nn.Parameter] = {}
    for path, module in parts:
        for inner, parameter in module.named_parameters():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                found[f"{path}.{inner}" if path else inner] = parameter
    shared = _shared_path(list(found))
    named = {f"{name}.{path[len(shared) :]}": parameter for path, parameter in found.items()}
    return ModuleBlock(name, kind, tuple(module for _, module in parts), named)


def _shared_path(paths: Sequence[str]) -> str:
    """The dotted path that all names begin with, without their last word."""
    shared = commonprefix([path.rpartition(".")[0] + "." for path in paths if "." in path] or [""])
    return shared[: shared.rfind(".") + 1] if all("." in path for path in paths) else ""
