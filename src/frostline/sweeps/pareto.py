"""What a search has found: the best trial, or of several objectives those that no other trial beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from frostline.config.search.search import Search
from frostline.results.summary_table import aligned


def values(result: dict[str, Any], objectives: Sequence[str]) -> list[float] | None:
    """The objectives in a result.json; None where one is no number."""
    parts = {f"{part}/{name}": value for part in ("parameters", "cost") for name, value in result[part].items()}
    numbers = {**result["metrics"], **parts}
    found = [float(numbers.get(objective, math.nan)) for objective in objectives]
    return None if any(map(math.isnan, found)) else found


def told(study: Any, search: Search) -> str:
    """In a line or a small table, with the overrides by which each can be had again."""
    if not any(trial.state.name == "COMPLETE" for trial in study.get_trials(deepcopy=False)):
        return "best: no trial has come to its end"
    best, names = sorted(study.best_trials, key=lambda trial: trial.number), search.objectives
    if len(names) == 1:
        first = best[0]
        lines = [parameter.override(first.params[parameter.key]) for parameter in search.space]
        return f"best: trial {first.number}, {names[0]} {first.value:.4g}: {' '.join(lines)}"
    keys = [parameter.key for parameter in search.space]
    cells = [["trial", *keys, *names], *(_cells(trial, search) for trial in best)]
    head = f"{len(best)} best: no other trial is better in one of {', '.join(names)} and as good in the others"
    return "\n".join([head, *aligned(cells, left=1 + len(keys))])


def _cells(trial: Any, search: Search) -> list[str]:
    chosen = [parameter.override(trial.params[parameter.key]).partition("=")[2] for parameter in search.space]
    return [str(trial.number), *chosen, *(f"{value:.4g}" for value in trial.values)]
