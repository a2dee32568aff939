"""Two run folders, aspect by aspect."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from frostline.results.atomic_files import read_json
from frostline.results.compare.aspects import ABSENT, DIFFERS, EQUAL, NEAR, Aspect, compare_numbers, compare_values
from frostline.results.compare.reasons import likely_reasons
from frostline.results.folder import RunFolder
from frostline.results.identity import NOT_IN_ID, without_modules

RESULTS = ("metrics", "curves", "predictions", "weights")
RECOMMENDED = "recommended"  # defaults of optimizer.lr and trainer.max_epochs, which are compared themselves
PASSING = {"command", "cores", "git"}  # git is told by its commit, a command says nothing of its own


@dataclass(frozen=True)
class Comparison:
    """Of two complete runs. tolerance: how far numbers may be apart and still count as near."""

    first: RunFolder
    second: RunFolder
    tolerance: float

    @cached_property
    def aspects(self) -> list[Aspect]:
        config = compare_values("config", *(_config(run) for run in self._runs))
        plan = self._of_files("plan", "plan", _texts)
        return [config, plan, compare_values("environment", *self._places), *self._results]

    @property
    def verdict(self) -> str:
        """The worst of the results: what a run is made of may differ and nothing come of it."""
        found = {aspect.verdict for aspect in self._results}
        return next(verdict for verdict in (DIFFERS, NEAR, EQUAL, ABSENT) if verdict in found)

    def told(self) -> str:
        lines = [str(aspect) for aspect in self.aspects]
        if self.verdict in (NEAR, DIFFERS):
            lines += ["", *likely_reasons(self._configs, self._places)]
        return "\n".join(lines)

    @property
    def _runs(self) -> tuple[RunFolder, RunFolder]:
        return self.first, self.second

    @property
    def _configs(self) -> list[Mapping[str, Any]]:
        return [_config(run) for run in self._runs]

    @cached_property
    def _places(self) -> list[dict[str, Any]]:
        return [_place(read_json(run.environment)) for run in self._runs]

    @cached_property
    def _results(self) -> list[Aspect]:
        from frostline.results.compare.predictions import compare_predictions
        from frostline.results.compare.weights import compare_weights

        metrics = [read_json(run.result)["metrics"] for run in self._runs]
        return [
            compare_numbers("metrics", metrics[0], metrics[1], self.tolerance),
            self._of_files("curves", "metrics", self._curves),
            self._of_files("predictions", "predictions", lambda a, b: compare_predictions(a, b, self.tolerance)),
            self._of_files("weights", "best", lambda a, b: compare_weights(a, b, self.tolerance)),
        ]

    def _of_files(self, name: str, file: str, compare: Callable[[Path, Path], Aspect]) -> Aspect:
        paths = [getattr(run, file) for run in self._runs]
        lacking = tuple(f"not in {path.parent}" for path in paths if not path.exists())
        return Aspect(name, ABSENT, lacking) if lacking else compare(*paths)

    def _curves(self, first: Path, second: Path) -> Aspect:
        return compare_numbers("curves", _curve(first), _curve(second), self.tolerance)


def _config(run: RunFolder) -> dict[str, Any]:
    config = without_modules(yaml.safe_load(run.config.read_text(encoding="utf-8")))
    return {key: _less(value, RECOMMENDED) for key, value in config.items() if key not in NOT_IN_ID}


def _less(value: Any, name: str) -> Any:
    return {key: own for key, own in value.items() if key != name} if isinstance(value, dict) else value


def _place(told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key not in PASSING} | {"git": told["git"]}


def _texts(first: Path, second: Path) -> Aspect:
    same = first.read_text(encoding="utf-8") == second.read_text(encoding="utf-8")
    return Aspect("plan", EQUAL if same else DIFFERS)


def _curve(path: Path) -> dict[str, float]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {f"epoch {row['epoch']}, step {row['step']}, {row['name']}": float(row["value"]) for row in rows}
