"""The parts of a config that are not a `_target_`: their keys, types and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from frostline.types import Count, Range, Whole


@dataclass(frozen=True)
class TopLevelSettings:
    seed: Whole = 1
    study: str = "default"
    rerun: bool = False
    max_failures: Whole | None = None


@dataclass(frozen=True)
class TextSettings:
    """Keys of `dataset` that are neither the source's nor prepare's."""

    max_length: Count = 128
    batch_size: Count = 32
    shifts: Sequence[str] | None = None
    shifted: Mapping[str, Mapping] | None = None  # type: ignore[type-arg]  # of whatever a data set takes


@dataclass(frozen=True)
class FreezingSettings:
    """Keys of `freezing` that belong to no strategy."""

    suits: dict[str, float] | None = None
    layer_decay: Annotated[float, Range(low=0, high=1, open_low=True)] | None = None


@dataclass(frozen=True)
class AdapterSettings:
    """Keys of `adapter` that belong to no adapter."""

    suits: dict[str, float] | None = None


@dataclass(frozen=True)
class PathSettings:
    runs: str = "runs"
