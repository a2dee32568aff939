"""The names in a config: choices of a group, choices of an override, keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from frostline.config.hydra_internals import HydraLoader


def named(override: Override) -> list[str]:
    """The choices that a group override names, each of a sweep's."""
    if override.is_delete():
        return []
    values: list[Any]
    if override.is_sweep_override():
        values = list(override.sweep_iterator()) if override.is_discrete_sweep() else []
    else:
        value: Any = override.value()
        values = value if isinstance(value, list) else [value]
    return [str(value).strip("'\"") for value in values if value is not None]


def options(loader: HydraLoader, group: str) -> Iterator[str]:
    """All choices of a group, those in folders below it as folder/name; names with an underscore first are hidden."""
    for name in loader.get_group_options(group):
        if not name.startswith("_"):
            yield name
    for below in loader.get_group_options(group, ObjectType.GROUP):
        yield from (f"{below}/{name}" for name in options(loader, f"{group}/{below}"))


def paths(node: Any, prefix: str = "", hydra: bool = False) -> Iterator[str]:
    """Every key of a config, dotted: ours, or Hydra's own."""
    if not isinstance(node, DictConfig) or node._is_none() or node._is_missing():
        return
    for key, value in node.items_ex(resolve=False):
        if prefix or (key == "hydra") is hydra:
            yield f"{prefix}{key!s}"
            yield from paths(value, f"{prefix}{key!s}.", hydra)
