"""A cell of a study: an arm with one value of each key of `across`. Its runs differ in learning rate and seed only."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.errors import Problem, UserError, did_you_mean
from frostline.reproduce.study.study import Arm, Study

EXPERIMENT = "experiment"  # its values are files in the folder of the study
PLAIN = re.compile(r"[A-Za-z_][\w./-]*")  # a string that needs no quotes in Hydra's grammar
NOT_PLAIN = ("true", "false", "null", "nan", "inf")  # these would be parsed as other types


@dataclass(frozen=True)
class Cell:
    """values: key of `across` -> the value of this cell. overrides: all but those of learning rate and seed."""

    arm: Arm
    values: Mapping[str, str]
    overrides: Sequence[str]

    def __str__(self) -> str:
        return ", ".join([self.arm.name, *self.values.values()])

    def matches(self, limits: Mapping[str, Sequence[str]]) -> bool:
        """Return whether the cell is within the limits; a limit of the seed applies to runs, not to cells."""
        values = {**self.values, "arm": self.arm.name}
        return all(values.get(key) in allowed for key, allowed in limits.items() if key != "seed")


def study_cells(study: Study) -> list[Cell]:
    """Return all cells, sorted by the first key of `across`; arms without that key come first."""
    cells = [cell for arm in study.arms for cell in _cells_of_arm(arm, study)]
    ranks = {key: {value: rank for rank, value in enumerate(values)} for key, values in study.across.items()}
    return sorted(cells, key=lambda cell: [ranks[key].get(cell.values.get(key, ""), -1) for key in list(ranks)[:1]])


def group_by_first_key(study: Study, cells: Sequence[Cell]) -> list[list[Cell]]:
    """Return the cells in the order in which they are run: a group for each value of the first key of `across`."""
    first = next(iter(study.across), "")
    return [list(group) for _, group in itertools.groupby(cells, key=lambda cell: cell.values.get(first))]


def check_limits(study: Study, limits: Mapping[str, Sequence[str]]) -> None:
    """Check the limits of `--only`.

    Raises:
        UserError: the study has no such key or value, or no cell that matches all limits.
    """
    known = {**study.across, "arm": [arm.name for arm in study.arms], "seed": list(map(str, study.seeds))}
    problems = [
        Problem("--only", f"there is no {key}", did_you_mean(key, list(known))) for key in limits.keys() - known
    ]
    for key in limits.keys() & known.keys():
        unknown = [value for value in limits[key] if value not in known[key]]
        problems += [Problem("--only", f"there is no {key} {v}", did_you_mean(v, known[key])) for v in unknown]
    if limits and not problems and not any(cell.matches(limits) for cell in study_cells(study)):
        problems = [Problem("--only", "no run matches all limits together", "leave one of them out")]
    if problems:
        raise UserError(problems, "command")


def _cells_of_arm(arm: Arm, study: Study) -> list[Cell]:
    keys = [key for key in study.across if key not in arm.without]
    allowed = [[v for v in study.across[key] if v in arm.only.get(key, study.across[key])] for key in keys]
    combinations = [dict(zip(keys, values, strict=True)) for values in itertools.product(*allowed)]
    return [Cell(arm, values, _overrides(arm, values, study)) for values in combinations]


def _overrides(arm: Arm, values: Mapping[str, str], study: Study) -> list[str]:
    """Return the overrides of a cell; settings of the arm replace those of the study, and `where` those of the arm."""
    settings: dict[str, Any] = {
        key: f"{study.name}/{value}" if key == EXPERIMENT else value for key, value in values.items()
    }
    settings["study"] = study.name
    cases = [
        case for key, by_value in arm.where.items() for value, case in by_value.items() if values.get(key) == value
    ]
    for more in (study.settings, arm.settings, *cases):
        settings |= more
    return [format_override(key, value) for key, value in settings.items()]


def format_override(key: str, value: Any) -> str:
    """Return an override in Hydra's grammar."""
    return f"{key}={_literal(value)}"


def _literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_literal, value)) + "]"
    if not isinstance(value, str) or (PLAIN.fullmatch(value) and value.lower() not in NOT_PLAIN):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
