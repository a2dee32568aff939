"""The comparison of two run folders, aspect by aspect."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from frostline.results.atomic_files import read_json
from frostline.results.compare.aspects import (
    ABSENT,
    DIFFERS,
    EQUAL,
    NEAR,
    Aspect,
    compare_numbers,
    compare_values,
)
from frostline.results.compare.reasons import likely_reasons
from frostline.results.folder import RunFolder
from frostline.results.identity import NOT_IN_ID, without_modules

RESULTS = ("metrics", "curves", "predictions", "weights")
RECOMMENDED = "recommended"  # default lr and max_epochs of a part, which are compared where they are used
NOT_COMPARED = {"command", "cores", "git", "tokens"}  # reasons list the commit; tokens follow from config and data


@dataclass(frozen=True)
class Comparison:
    """Two complete runs. tolerance: the largest difference of numbers that counts as near."""

    first: RunFolder
    second: RunFolder
    tolerance: float

    @cached_property
    def aspects(self) -> list[Aspect]:
        """What the runs were made of, then their results."""
        config = compare_values("config", *(_compared_config(run) for run in self._runs))
        plan = self._compare_files("plan", "plan", _compare_plans)
        return [config, plan, compare_values("environment", *self._environments), *self._results]

    @property
    def verdict(self) -> str:
        """The worst verdict on a result. Runs made of different things may still have equal results."""
        verdicts = {aspect.verdict for aspect in self._results}
        return next(verdict for verdict in (DIFFERS, NEAR, EQUAL, ABSENT) if verdict in verdicts)

    def report(self) -> str:
        """Return all aspects as text, with likely reasons where results are not equal."""
        lines = [str(aspect) for aspect in self.aspects]
        if self.verdict in (NEAR, DIFFERS):
            lines += ["", *likely_reasons([_compared_config(run) for run in self._runs], self._environments)]
        return "\n".join(lines)

    @property
    def _runs(self) -> tuple[RunFolder, RunFolder]:
        return self.first, self.second

    @cached_property
    def _environments(self) -> list[dict[str, Any]]:
        return [_compared_environment(read_json(run.environment)) for run in self._runs]

    @cached_property
    def _results(self) -> list[Aspect]:
        from frostline.results.compare.predictions import compare_predictions
        from frostline.results.compare.weights import compare_weights

        metrics = [read_json(run.result)["metrics"] for run in self._runs]
        tolerance = self.tolerance
        return [
            compare_numbers("metrics", metrics[0], metrics[1], tolerance),
            self._compare_files("curves", "metrics", self._compare_curves),
            self._compare_files("predictions", "predictions", lambda a, b: compare_predictions(a, b, tolerance)),
            self._compare_files("weights", "best", lambda a, b: compare_weights(a, b, tolerance)),
        ]

    def _compare_files(self, name: str, file: str, compare: Callable[[Path, Path], Aspect]) -> Aspect:
        """Compare a file of both runs. file: the name of a property of RunFolder."""
        paths = [getattr(run, file) for run in self._runs]
        missing = tuple(f"not in {path.parent}" for path in paths if not path.exists())
        return Aspect(name, ABSENT, missing) if missing else compare(*paths)

    def _compare_curves(self, first: Path, second: Path) -> Aspect:
        return compare_numbers("curves", _read_curve(first), _read_curve(second), self.tolerance)


def _compared_config(run: RunFolder) -> dict[str, Any]:
    config = without_modules(yaml.safe_load(run.config.read_text(encoding="utf-8")))
    return {key: _without_key(value, RECOMMENDED) for key, value in config.items() if key not in NOT_IN_ID}


def _without_key(value: Any, key: str) -> Any:
    return {name: item for name, item in value.items() if name != key} if isinstance(value, dict) else value


def _compared_environment(environment: dict[str, Any]) -> dict[str, Any]:
    compared = {key: value for key, value in environment.items() if key not in NOT_COMPARED}
    return compared | {"git": environment["git"]}


def _compare_plans(first: Path, second: Path) -> Aspect:
    same = first.read_text(encoding="utf-8") == second.read_text(encoding="utf-8")
    return Aspect("plan", EQUAL if same else DIFFERS)


def _read_curve(path: Path) -> dict[str, float]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {f"epoch {row['epoch']}, step {row['step']}, {row['name']}": float(row["value"]) for row in rows}
