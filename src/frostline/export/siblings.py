"""The runs beside a run: the same setting with other seeds, and other settings on the same texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.report.read.run_folders import read_runs
from frostline.report.read.runs import COMPLETE, RunRecord, format_value
from frostline.report.statistics.intervals import Interval, Summary, holm, summarize
from frostline.report.statistics.paired import can_be_significant, sign_flip
from frostline.results.identity import NOT_IN_ID
from frostline.results.metric_names import metric_direction

SEED = "seed"
LEVEL = 0.05
WITHIN: Interval = (0.0, 1.0)


@dataclass(frozen=True)
class OtherSetting:
    """Another setting: what differs, its mean, and p of the paired difference after Holm's correction.

    p: None if there are too few common seeds for a test.
    """

    differences: str
    seeds: int
    mean: float
    p: float | None


@dataclass(frozen=True)
class Siblings:
    """The scores of a setting over its seeds, and the other settings that were run beside it on the same texts."""

    seeds: Summary
    others: Sequence[OtherSetting]
    is_best: bool

    @property
    def ties(self) -> list[OtherSetting]:
        """The settings whose difference from this one is not significant at 5%, or cannot be tested."""
        return [other for other in self.others if other.p is None or other.p >= LEVEL]


def find_siblings(folder: Path, metric: str) -> Siblings | None:
    """Return the runs in the folder of the run's folder; None if there are no others."""
    runs = [run for run in read_runs([str(folder.resolve().parent)]) if run.state == COMPLETE]
    runs = [run for run in {run.folder: run for run in runs}.values() if metric in run.metrics]
    this = next((run for run in runs if Path(run.folder).resolve() == folder.resolve()), None)
    if this is None or len(runs) < 2:
        return None
    data = this.environment.get("data")
    settings: dict[tuple[Any, ...], list[RunRecord]] = {}
    for run in runs:
        if run.environment.get("data") == data:
            settings.setdefault(_setting(run), []).append(run)
    same = settings.pop(_setting(this))
    if len(same) == 1 and not settings:
        return None
    scores = {run.seed: run.metrics[metric] for run in same}
    others = [_compared(this, found, scores, metric) for found in settings.values()]
    corrected = iter(holm([p for _, _, _, p in others if p is not None]))
    described = [
        OtherSetting(text, seeds, mean, None if p is None else next(corrected)) for text, seeds, mean, p in others
    ]
    summary = summarize(list(scores.values()), WITHIN)
    sign = -1 if metric_direction(metric) == "minimize" else 1
    best = all(summary.mean is not None and sign * summary.mean >= sign * other.mean for other in described)
    return Siblings(summary, described, best)


def _setting(run: RunRecord) -> tuple[Any, ...]:
    left_out = (SEED, *NOT_IN_ID)
    config = {key: value for key, value in run.config.items() if key.partition(".")[0] not in left_out}
    return tuple(sorted((key, format_value(value)) for key, value in {**config, **run.choices}.items()))


def _compared(
    this: RunRecord, runs: Sequence[RunRecord], scores: Mapping[Any, float], metric: str
) -> tuple[str, int, float, float | None]:
    values = {run.seed: run.metrics[metric] for run in runs}
    differences = [scores[seed] - value for seed, value in values.items() if seed in scores]
    p = float(sign_flip(differences)) if can_be_significant(len(differences)) else None
    return _differences(this, runs[0]), len(values), sum(values.values()) / len(values), p


def _differences(this: RunRecord, other: RunRecord) -> str:
    choices = [f"{key}={value}" for key, value in other.choices.items() if this.choices.get(key) != value]
    covered = {key.partition("=")[0] for key in choices}
    keys = [
        f"{key}={format_value(value)}"
        for key, value in other.config.items()
        if key.partition(".")[0] not in (SEED, *NOT_IN_ID, *covered) and this.config.get(key) != value
    ]
    return " ".join([*choices, *keys]) or "the same choices"
