"""`hydra.sweeper` where it is Optuna's: what is searched for, among what, and how."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from frostline.config.checks.check import arguments
from frostline.config.checks.signature import read
from frostline.config.checks.source import find_module
from frostline.config.fusable import FUSED
from frostline.config.search import space
from frostline.config.search.problems import KEY, faults
from frostline.config.search.space import SearchParameter
from frostline.errors import Problem
from frostline.results.metric_names import better
from frostline.results.samplers import made, mapping
from frostline.results.search_storage import TrialStorage
from frostline.seeding import derive
from frostline.types import Count, Whole

SWEEPER = "hydra_plugins.frostline_optuna.OptunaSweeper"
COUNTED = ("parameters", "cost")  # of which less is better
ALIKE = ("qmc",)  # samplers whose seed belongs to the search as a whole


@dataclass(frozen=True)
class SearchSettings:
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

    settings: SearchSettings
    space: tuple[SearchParameter, ...]
    fixed: tuple[str, ...]
    objectives: tuple[str, ...]
    directions: tuple[str, ...]
    fused: bool = False

    def content(self, first: str) -> str:
        """What must be the same for trials to be of one search. first: the id of a run at the space's first point."""
        return json.dumps([first, list(map(repr, self.space)), self.objectives, self.directions])

    def place(self, first: str, folder: Path) -> TrialStorage:
        """Where its trials are kept: by a name that follows from all but their number, unless it has one."""
        how = [str(mapping(self.settings.sampler)), str(mapping(self.settings.pruner)), self.settings.seed]
        digest = hashlib.sha256(json.dumps([self.content(first), how]).encode()).hexdigest()[:8]
        words = "-".join(re.split(r"\W", parameter.key)[-1] for parameter in self.space)[:40]
        name = self.settings.study_name or f"{words}-{digest}"
        storage = self.settings.storage or str(folder / ".optuna" / f"{name}.log")
        return TrialStorage(storage if "://" in storage else str(Path(storage).expanduser().absolute()), name)

    def sampler(self, number: int, key: str = "") -> Any:
        """What draws one value of one trial: it knows the storage alone, so that it need not have drawn all before."""
        given = mapping(self.settings.sampler)
        of = (number, key) if given["name"].lower() not in ALIKE else ()
        return made(
            "sampler", given, seed=None if self.settings.seed is None else derive(self.settings.seed, *of) % 2**32
        )

    @property
    def pruner(self) -> dict[str, Any]:
        """Empty where nothing is pruned."""
        return mapping(self.settings.pruner)


def of(cfg: DictConfig, overrides: Sequence[Override]) -> tuple[Search | None, list[SearchParameter], list[Problem]]:
    """The search, None where it is not clear; the space as far as it is; and what is wrong."""
    found, problems = space.parameters(overrides)
    if find_module("optuna") is None:
        do = "pip install 'frostline[optuna]', or leave hydra/sweeper=optuna out"
        return None, found, [*problems, Problem("hydra/sweeper", "Optuna is not installed", do)]
    given: Any = OmegaConf.to_container(cfg.hydra.sweeper, resolve=True)
    problems += arguments(KEY, given, read(f"{__name__}.SearchSettings", KEY))
    if any(problem.key.startswith(KEY) for problem in problems):
        return None, found, problems
    settings = SearchSettings(
        **{field.name: given[field.name] for field in fields(SearchSettings) if field.name in given}
    )
    objectives = _listed(settings.objectives) or [OmegaConf.select(cfg, "trainer.monitor") or "val/f1_macro"]
    directions = _listed(settings.direction) or list(map(_direction, objectives))
    fixed = {o.get_key_element(): o.get_value_element_as_str() for o in overrides if not o.is_sweep_override()}
    lines = tuple(f"{key}={value}" for key, value in fixed.items())
    fused = OmegaConf.select(cfg, "hydra.launcher._target_") == FUSED
    search = Search(settings, tuple(found), lines, tuple(objectives), tuple(directions), fused)
    return search, found, [*problems, *faults(search, bool(OmegaConf.select(cfg, "rerun")))]


def _listed(given: str | Sequence[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or [])


def _direction(objective: str) -> str:
    part = objective.partition("/")[0]
    return "minimize" if part in COUNTED or better(objective, 0, 1) else "maximize"
