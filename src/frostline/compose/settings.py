"""The parts of a config that are not a `_target_`: their keys, types and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from frostline.types import Count, Whole


@dataclass(frozen=True)
class Top:
    seed: Whole = 1
    study: str = "default"
    rerun: bool = False


@dataclass(frozen=True)
class Texts:
    """Keys of `dataset` that are neither the source's nor prepare's."""

    max_length: Count = 128
    batch_size: Count = 32


@dataclass(frozen=True)
class Paths:
    runs: str = "runs"


@dataclass(frozen=True)
class Logger:
    """wandb: auto is online where a key is known; curves: values over time, not only the final ones."""

    wandb: Literal["auto", "online", "offline"] | None = "auto"
    tensorboard: bool = False
    curves: bool = True
    project: str = "frostline"
    entity: str | None = None


@dataclass(frozen=True)
class Suits:
    """The base rate and the epochs that suit a strategy."""

    lr: float | None = None
    epochs: Whole | None = None
