"""The content of experiments/<study>/study.yaml: seeds, arms, learning rates, tables and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frostline.config.search_path import STUDY

FILE, RESULTS = STUDY, "results.csv"


@dataclass(frozen=True)
class Arm:
    """One of the ways to adapt that a study compares.

    settings: key -> value, as overrides. only: key -> the values of `across` with which the arm is combined. without:
    keys of `across` with which it is not combined. where: key -> value -> settings for that value only. tries: a key
    and the values of a search that replaces the one over learning rates. script: a file in the folder of the study
    that executes the runs of the arm.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    without: Sequence[str] = ()
    where: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    tries: tuple[str, Sequence[Any]] | None = None
    script: str | None = None


@dataclass(frozen=True)
class LearningRates:
    """The search over learning rates.

    times: factors of the default learning rate of the arm. seeds: of the runs of the search, over which a score is
    averaged. best: the validation metric that selects a learning rate.
    """

    times: Sequence[float]
    seeds: Sequence[int]
    best: str


@dataclass(frozen=True)
class Study:
    """A study as study.yaml describes it.

    settings: of every run. across: key -> values, the first key outermost. tables: file -> arguments of `frostline
    report`. figures: folder -> arguments of `frostline figures`.
    """

    folder: Path
    seeds: Sequence[int]
    across: Mapping[str, Sequence[str]]
    rates: LearningRates
    arms: Sequence[Arm]
    settings: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    figures: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.resolve().name
