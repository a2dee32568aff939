"""What experiments/<study>/study.yaml says: seeds, arms, what they are crossed with, rates, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frostline.config.search_path import STUDY

FILE, RESULTS = STUDY, "results.csv"


@dataclass(frozen=True)
class Arm:
    """settings: key -> value, as overrides. only: of what it is crossed with, the values that it goes with. without:
    what it is not crossed with at all. where: key -> value -> settings for that one alone.

    tries: a key and the values to choose from in place of rates. script: of the study's folder, which does its runs.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    without: Sequence[str] = ()
    where: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    tries: tuple[str, Sequence[Any]] | None = None
    script: str | None = None


@dataclass(frozen=True)
class Rates:
    """times: what the strategy's own rate is multiplied by. best: the metric of validation that decides, at a seed."""

    times: Sequence[float]
    seed: int
    best: str


@dataclass(frozen=True)
class Described:
    """settings: of every run. across: key -> values, the first key outermost. tables: file -> words of `report`;
    figures: folder -> words of `figures`."""

    folder: Path
    seeds: Sequence[int]
    across: Mapping[str, Sequence[str]]
    rates: Rates
    arms: Sequence[Arm]
    settings: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    figures: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.resolve().name
