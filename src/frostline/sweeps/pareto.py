"""The best trials of a search: one for a single objective, the Pareto front for several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from frostline.config.search.search import Search
from frostline.results.metric_names import MEASUREMENTS
from frostline.results.summary_table import align_columns


def objective_values(result: dict[str, Any], objectives: Sequence[str]) -> list[float] | None:
    """Return the objectives in a result.json; None where one of them is missing or not finite."""
    measurements = {f"{group}/{name}": value for group in MEASUREMENTS for name, value in result[group].items()}
    metrics = {**result["metrics"], **measurements}
    objective_values = [float(metrics.get(objective, math.nan)) for objective in objectives]
    return objective_values if all(map(math.isfinite, objective_values)) else None


def describe_best(study: Any, search: Search) -> str:
    """Return the best trial on a line, or the Pareto front as a table, with the overrides that repeat each trial."""
    if not any(trial.state.name == "COMPLETE" for trial in study.get_trials(deepcopy=False)):
        return "best: no trial is complete"
    best, names = sorted(study.best_trials, key=lambda trial: trial.number), search.objectives
    if len(names) == 1:
        first = best[0]
        overrides = [parameter.override(first.params[parameter.key]) for parameter in search.space]
        return f"best: trial {first.number}, {names[0]} {first.value:.4g}: {' '.join(overrides)}"
    keys = [parameter.key for parameter in search.space]
    cells = [["trial", *keys, *names], *(_trial_cells(trial, search) for trial in best)]
    title = f"{len(best)} best: no other trial is better in one of {', '.join(names)} and as good in the others"
    return "\n".join([title, *align_columns(cells, left=1 + len(keys))])


def _trial_cells(trial: Any, search: Search) -> list[str]:
    chosen = [parameter.override(trial.params[parameter.key]).partition("=")[2] for parameter in search.space]
    return [str(trial.number), *chosen, *(f"{value:.4g}" for value in trial.values)]
