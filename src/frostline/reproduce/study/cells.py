"""An arm with one value of each key that it is crossed with: runs that differ in rate and seed alone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.errors import Problem, UserError, did_you_mean
from frostline.reproduce.study.study import Arm, Described

EXPERIMENT = "experiment"  # whose values are files of the study's own folder
PLAIN = re.compile(r"[A-Za-z_][\w./-]*")  # a text that Hydra's grammar takes as it is
WORDS = ("true", "false", "null", "nan", "inf")  # but for these


@dataclass(frozen=True)
class Cell:
    """place: key -> the value that it is crossed with here. words: overrides, less those of seed and rate."""

    arm: Arm
    place: Mapping[str, str]
    words: Sequence[str]

    def __str__(self) -> str:
        return ", ".join([self.arm.name, *self.place.values()])

    def has(self, limits: Mapping[str, Sequence[str]]) -> bool:
        """Whether it is within the limits, of which a seed is none of a cell's."""
        own = {**self.place, "arm": self.arm.name}
        return all(own.get(key) in values for key, values in limits.items() if key != "seed")


def cells(study: Described) -> list[Cell]:
    """Those of the first value of the first key before those of its next; before all those that have none of it."""
    found = [cell for arm in study.arms for cell in _of(arm, study)]
    ranks = {key: {value: rank for rank, value in enumerate(values)} for key, values in study.across.items()}
    return sorted(found, key=lambda cell: [ranks[key].get(cell.place.get(key, ""), -1) for key in list(ranks)[:1]])


def parts(study: Described, found: Sequence[Cell]) -> list[list[Cell]]:
    """The cells in the order in which they are to be made: one value of the first key after the other."""
    first = next(iter(study.across), "")
    return [list(own) for _, own in itertools.groupby(found, key=lambda cell: cell.place.get(first))]


def limited(study: Described, told: Mapping[str, Sequence[str]]) -> None:
    """Raises UserError where there is no such key or value to limit the study to."""
    known = {**study.across, "arm": [arm.name for arm in study.arms], "seed": list(map(str, study.seeds))}
    problems = [Problem("--only", f"there is no {key}", did_you_mean(key, list(known))) for key in told.keys() - known]
    for key in told.keys() & known.keys():
        lacking = [value for value in told[key] if value not in known[key]]
        problems += [Problem("--only", f"there is no {key} {v}", did_you_mean(v, known[key])) for v in lacking]
    if told and not problems and not any(cell.has(told) for cell in cells(study)):
        problems = [Problem("--only", "nothing is all of it at once", "leave one of the limits out")]
    if problems:
        raise UserError(problems, "command")


def _of(arm: Arm, study: Described) -> list[Cell]:
    keys = [key for key in study.across if key not in arm.without]
    values = [[v for v in study.across[key] if v in arm.only.get(key, study.across[key])] for key in keys]
    places = [dict(zip(keys, own, strict=True)) for own in itertools.product(*values)]
    return [Cell(arm, place, list(_words(arm, place, study))) for place in places]


def _words(arm: Arm, place: Mapping[str, str], study: Described) -> list[str]:
    chosen = {key: f"{study.name}/{value}" if key == EXPERIMENT else value for key, value in place.items()}
    cases = [own for key, told in arm.where.items() for value, own in told.items() if place.get(key) == value]
    told: dict[str, Any] = {**chosen, "study": study.name}
    for settings in (study.settings, arm.settings, *cases):
        told |= settings
    return [word(key, value) for key, value in told.items()]


def word(key: str, value: Any) -> str:
    """An override in Hydra's grammar."""
    return f"{key}={_literal(value)}"


def _literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_literal(own)}" for key, own in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_literal, value)) + "]"
    if not isinstance(value, str) or (PLAIN.fullmatch(value) and value.lower() not in WORDS):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
