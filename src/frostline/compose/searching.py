"""`hydra.sweeper` where it is Optuna's: what is searched for, among what, and how; and all that is wrong with it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from frostline.chance import derive
from frostline.compose import modules, space
from frostline.compose.check import arguments
from frostline.compose.fusing import FUSED
from frostline.compose.signature import read
from frostline.compose.space import Parameter
from frostline.errors import Problem, did_you_mean
from frostline.store.monitored import better
from frostline.studies import Place, kinds, made
from frostline.types import Count, Whole

SWEEPER = "hydra_plugins.frostline_optuna.OptunaSweeper"
KEY = "hydra.sweeper"
SCORES = ("loss", "accuracy", "f1_macro", "f1_micro", "ece")
OTHERS = {
    "parameters": ("total", "trainable", "ever_trainable"),
    "cost": ("seconds", "seconds_fit", "texts_read", "texts_encoded", "texts_from_store", "peak_memory_bytes"),
}
DIRECTIONS = ("maximize", "minimize")
PACKAGES = {"cmaes": "cmaes", "gp": "scipy", "qmc": "scipy"}  # that Optuna itself does without
ALIKE = ("qmc",)  # samplers whose seed belongs to the search as a whole
Named = str | Mapping[str, Any]  # what Optuna has under a name, or the name with arguments


@dataclass(frozen=True)
class Settings:
    n_trials: Count = 20
    n_jobs: Count = 1
    direction: str | Sequence[str] | None = None
    objectives: str | Sequence[str] | None = None
    seed: Whole | None = 1
    sampler: str | Mapping[str, Any] = "tpe"
    pruner: str | Mapping[str, Any] | None = None
    storage: str | None = None
    study_name: str | None = None
    params: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Search:
    """A search as a command asks for it. fixed: the overrides that all its trials share."""

    settings: Settings
    space: tuple[Parameter, ...]
    fixed: tuple[str, ...]
    objectives: tuple[str, ...]
    directions: tuple[str, ...]
    fused: bool = False

    def content(self, first: str) -> str:
        """What must be the same for trials to be of one search. first: the id of a run at the space's first point."""
        return json.dumps([first, list(map(repr, self.space)), self.objectives, self.directions])

    def place(self, first: str, folder: Path) -> Place:
        """Where its trials are kept: by a name that follows from all but their number, unless it has one."""
        how = [str(_mapping(self.settings.sampler)), str(_mapping(self.settings.pruner)), self.settings.seed]
        digest = hashlib.sha256(json.dumps([self.content(first), how]).encode()).hexdigest()[:8]
        words = "-".join(re.split(r"\W", parameter.key)[-1] for parameter in self.space)[:40]
        name = self.settings.study_name or f"{words}-{digest}"
        storage = self.settings.storage or str(folder / ".optuna" / f"{name}.log")
        return Place(storage if "://" in storage else str(Path(storage).expanduser().absolute()), name)

    def sampler(self, number: int, key: str = "") -> Any:
        """What draws one value of one trial: it knows the storage alone, so that it need not have drawn all before."""
        given = _mapping(self.settings.sampler)
        of = (number, key) if given["name"].lower() not in ALIKE else ()
        return made(
            "sampler", given, seed=None if self.settings.seed is None else derive(self.settings.seed, *of) % 2**32
        )

    @property
    def pruner(self) -> dict[str, Any]:
        """Empty where nothing is pruned."""
        return _mapping(self.settings.pruner)


def of(cfg: DictConfig, overrides: Sequence[Override]) -> tuple[Search | None, list[Parameter], list[Problem]]:
    """The search, None where it is not clear; the space as far as it is; and what is wrong."""
    found, problems = space.parameters(overrides)
    if modules.find("optuna") is None:
        do = "pip install 'frostline[optuna]', or leave hydra/sweeper=optuna out"
        return None, found, [*problems, Problem("hydra/sweeper", "Optuna is not installed", do)]
    given: Any = OmegaConf.to_container(cfg.hydra.sweeper, resolve=True)
    problems += arguments(KEY, given, read(f"{__name__}.Settings", KEY))
    if any(problem.key.startswith(KEY) for problem in problems):
        return None, found, problems
    settings = Settings(**{field.name: given[field.name] for field in fields(Settings) if field.name in given})
    objectives = _listed(settings.objectives) or [OmegaConf.select(cfg, "trainer.monitor") or "val/f1_macro"]
    directions = _listed(settings.direction) or list(map(_direction, objectives))
    fixed = {o.get_key_element(): o.get_value_element_as_str() for o in overrides if not o.is_sweep_override()}
    lines = tuple(f"{key}={value}" for key, value in fixed.items())
    fused = OmegaConf.select(cfg, "hydra.launcher._target_") == FUSED
    search = Search(settings, tuple(found), lines, tuple(objectives), tuple(directions), fused)
    return search, found, [*problems, *_wrong(search), *_again(cfg)]


def _listed(given: str | Sequence[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or [])


def _mapping(given: Named | None) -> dict[str, Any]:
    return {"name": given} if isinstance(given, str) else dict(given or {})


def _direction(objective: str) -> str:
    part = objective.partition("/")[0]
    return "minimize" if part in OTHERS or better(objective, 0, 1) else "maximize"


def _wrong(search: Search) -> Iterator[Problem]:
    settings, objectives, directions = search.settings, search.objectives, search.directions
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
    key, known, rest = f"{KEY}.{role}", kinds(role), _mapping(given)
    name = str(rest.pop("name", ""))
    if name.lower() not in known:
        what = f"Optuna has no {role} '{name}'" if name else "has no name"
        return [Problem(key, what, did_you_mean(name.lower(), list(known)))]
    kind = known[name.lower()]
    if problems := arguments(key, rest, read(f"{kind.__module__}.{kind.__name__}", key)):
        return problems
    if modules.find(package := PACKAGES.get(name.lower(), "optuna")) is None:
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


def _again(cfg: DictConfig) -> list[Problem]:
    if not OmegaConf.select(cfg, "rerun"):
        return []
    return [
        Problem("rerun", "a search goes on with the trials it has", f"give another {KEY}.study_name to search anew")
    ]
