"""Checks of a search before its first trial."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from frostline.config.checks.check import argument_problems
from frostline.config.checks.signature import read_signature
from frostline.config.checks.source import find_module
from frostline.errors import Problem, UserError, did_you_mean
from frostline.results.home_paths import expand_home
from frostline.results.metric_names import MEASUREMENTS, SCORES, is_split, metric_direction
from frostline.results.search_storage import OptunaChoice, as_mapping, make_optuna, optuna_classes

if TYPE_CHECKING:
    from frostline.config.search.search import Search

KEY = "hydra.sweeper"
DIRECTIONS = ("maximize", "minimize")
PACKAGES = {"cmaes": "cmaes", "gp": "scipy", "qmc": "scipy"}  # sampler -> package that Optuna does not install


def search_problems(search: Search, rerun: bool) -> Iterator[Problem]:
    """Yield the problems of the settings. rerun: whether the command trains complete runs again."""
    settings, objectives, directions = search.settings, search.objectives, search.directions
    if rerun:
        do = f"give another {KEY}.study_name to start a new search"
        yield Problem("rerun", "a search continues with the trials that it has", do)
    yield from filter(None, map(_objective_problem, objectives))
    for direction in directions:
        if direction not in DIRECTIONS:
            yield Problem(f"{KEY}.direction", f"there is no '{direction}'", did_you_mean(direction, DIRECTIONS))
    if len(directions) != len(objectives):
        what = f"{len(directions)} for {len(objectives)} objectives ({', '.join(objectives)})"
        yield Problem(f"{KEY}.direction", what, "give one for each, or null for the defaults")
    if settings.study_name and not re.fullmatch(r"\w[\w.-]*", settings.study_name):
        do = "use letters, digits, dots, dashes and underscores"
        yield Problem(f"{KEY}.study_name", f"'{settings.study_name}' is not a valid file name", do)
    if search.fused and settings.n_jobs == 1:
        what = "1 trial at a time, so that 'fused' has no two to train together"
        yield Problem(f"{KEY}.n_jobs", what, "give more, such as 16, or leave hydra/launcher=fused out")
    yield from _storage_problems(settings.storage)
    yield from _method_problems("sampler", settings.sampler)
    if settings.pruner is not None:
        yield from _method_problems("pruner", settings.pruner)
        yield from _pruning_problems(search)


def _storage_problems(storage: str | None) -> list[Problem]:
    try:
        expand_home(storage or "", f"{KEY}.storage")
    except UserError as error:
        return error.problems
    return []


def _objective_problem(objective: str) -> Problem | None:
    part = objective.partition("/")[0]
    if (part in MEASUREMENTS or is_split(part)) and metric_direction(objective) is not None:
        return None
    known = [f"{split}/{name}" for split in ("val", "test") for name in SCORES]
    known += [f"{group}/{name}" for group, names in MEASUREMENTS.items() for name in names]
    return Problem(f"{KEY}.objectives", f"a result has no '{objective}'", did_you_mean(objective, known))


def _method_problems(role: str, settings: OptunaChoice) -> list[Problem]:
    """Return the problems of a sampler or a pruner."""
    key, known, values = f"{KEY}.{role}", optuna_classes(role), as_mapping(settings)
    name = str(values.pop("name", ""))
    if name.lower() not in known:
        what = f"Optuna has no {role} '{name}'" if name else "has no name"
        return [Problem(key, what, did_you_mean(name.lower(), list(known)))]
    kind = known[name.lower()]
    if problems := argument_problems(key, values, read_signature(f"{kind.__module__}.{kind.__name__}", key)):
        return problems
    if find_module(package := PACKAGES.get(name.lower(), "optuna")) is None:
        return [Problem(key, f"'{name}' needs {package}, which is not installed", f"pip install {package}")]
    try:
        make_optuna(role, {"name": name, **values})
    except Exception as error:
        what = f"'{name}' cannot be created with these arguments: {str(error).splitlines()[0]}"
        return [Problem(key, what, "see Optuna's documentation")]
    return []


def _pruning_problems(search: Search) -> Iterator[Problem]:
    if len(search.objectives) > 1:
        yield Problem(f"{KEY}.pruner", "trials cannot be pruned with several objectives", "leave it null")
    elif not search.objectives[0].startswith("val/"):
        what = f"{search.objectives[0]} is not measured during training"
        yield Problem(f"{KEY}.pruner", what, "leave it null, or take a metric of the validation set as the objective")
