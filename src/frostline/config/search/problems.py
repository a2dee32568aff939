"""What is wrong with a search, told before its first trial."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from frostline.config.checks.check import arguments
from frostline.config.checks.signature import read
from frostline.config.checks.source import find_module
from frostline.errors import Problem, did_you_mean
from frostline.results.samplers import Named, kinds, made, mapping

if TYPE_CHECKING:
    from frostline.config.search.search import Search

KEY = "hydra.sweeper"
SCORES = ("loss", "accuracy", "f1_macro", "f1_micro", "ece")
OTHERS = {
    "parameters": ("total", "trainable", "ever_trainable"),
    "cost": ("seconds", "seconds_fit", "texts_read", "texts_encoded", "texts_from_store", "peak_memory_bytes"),
}
DIRECTIONS = ("maximize", "minimize")
PACKAGES = {"cmaes": "cmaes", "gp": "scipy", "qmc": "scipy"}  # that Optuna itself does without


def faults(search: Search, rerun: bool) -> Iterator[Problem]:
    """rerun: whether all runs are to be done anew."""
    settings, objectives, directions = search.settings, search.objectives, search.directions
    if rerun:
        do = f"give another {KEY}.study_name to search anew"
        yield Problem("rerun", "a search goes on with the trials it has", do)
    yield from filter(None, map(_unknown, objectives))
    for direction in directions:
        if direction not in DIRECTIONS:
            yield Problem(f"{KEY}.direction", f"there is no '{direction}'", did_you_mean(direction, DIRECTIONS))
    if len(directions) != len(objectives):
        what = f"{len(directions)} for {len(objectives)} objectives ({', '.join(objectives)})"
        yield Problem(f"{KEY}.direction", what, "give one for each, or null for the usual ones")
    if settings.study_name and not re.fullmatch(r"\w[\w.-]*", settings.study_name):
        do = "use letters, digits, dots, dashes and underscores"
        yield Problem(f"{KEY}.study_name", f"'{settings.study_name}' is no file name", do)
    if search.fused and settings.n_jobs == 1:
        what = "1 trial at once, so that 'fused' has no two to train together"
        yield Problem(f"{KEY}.n_jobs", what, "give more, such as 16, or leave hydra/launcher=fused out")
    yield from _named("sampler", settings.sampler)
    if settings.pruner is not None:
        yield from _named("pruner", settings.pruner)
        yield from _unprunable(search)


def _unknown(objective: str) -> Problem | None:
    part, _, rest = objective.partition("/")
    scored = part in ("val", "test") or part.startswith("test_")
    if rest in OTHERS.get(part, SCORES if scored else ()) or (scored and rest.startswith("f1/")):
        return None
    known = [f"{split}/{name}" for split in ("val", "test") for name in SCORES]
    known += [f"{group}/{name}" for group, names in OTHERS.items() for name in names]
    return Problem(f"{KEY}.objectives", f"a result has no '{objective}'", did_you_mean(objective, known))


def _named(role: str, given: Named) -> list[Problem]:
    """What is wrong with a sampler or a pruner."""
    key, known, rest = f"{KEY}.{role}", kinds(role), mapping(given)
    name = str(rest.pop("name", ""))
    if name.lower() not in known:
        what = f"Optuna has no {role} '{name}'" if name else "has no name"
        return [Problem(key, what, did_you_mean(name.lower(), list(known)))]
    kind = known[name.lower()]
    if problems := arguments(key, rest, read(f"{kind.__module__}.{kind.__name__}", key)):
        return problems
    if find_module(package := PACKAGES.get(name.lower(), "optuna")) is None:
        return [Problem(key, f"'{name}' needs {package}, which is not installed", f"pip install {package}")]
    try:
        made(role, {"name": name, **rest})
    except Exception as error:
        return [Problem(key, f"'{name}' cannot be made so: {str(error).splitlines()[0]}", "see Optuna's documentation")]
    return []


def _unprunable(search: Search) -> Iterator[Problem]:
    if len(search.objectives) > 1:
        yield Problem(f"{KEY}.pruner", "with several objectives no trial can be pruned", "leave it null")
    elif not search.objectives[0].startswith("val/"):
        what = f"{search.objectives[0]} is not known while a run trains"
        yield Problem(f"{KEY}.pruner", what, "leave it null, or search for a score of the validation part")
