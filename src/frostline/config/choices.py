"""Names in a config: the choices of a group, the choices in an override, and keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hydra.core.object_type import ObjectType
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from frostline.config.hydra_internals import HydraLoader


def chosen_names(override: Override) -> list[str]:
    """Return the choices that an override of a group names; for a sweep, all of them."""
    if override.is_delete():
        return []
    values: list[Any]
    if override.is_sweep_override():
        values = list(override.sweep_iterator()) if override.is_discrete_sweep() else []
    else:
        value: Any = override.value()
        values = value if isinstance(value, list) else [value]
    return [str(value).strip("'\"") for value in values if value is not None]


def group_choices(loader: HydraLoader, group: str) -> Iterator[str]:
    """Yield the choices of a group, those in subfolders as folder/name, without names that begin with an underscore."""
    for name in loader.get_group_options(group):
        if not name.startswith("_"):
            yield name
    for folder in loader.get_group_options(group, ObjectType.GROUP):
        yield from (f"{folder}/{name}" for name in group_choices(loader, f"{group}/{folder}"))


def config_keys(node: Any, prefix: str = "", hydra: bool = False) -> Iterator[str]:
    """Yield every key of a config as a dotted name: our keys, or with `hydra` those of Hydra."""
    if not isinstance(node, DictConfig) or node._is_none() or node._is_missing():
        return
    for key, value in node.items_ex(resolve=False):
        if prefix or (key == "hydra") is hydra:
            yield f"{prefix}{key!s}"
            yield from config_keys(value, f"{prefix}{key!s}.", hydra)
