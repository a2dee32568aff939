"""The settings of an Optuna sweep, `hydra.sweeper`: its objectives, its search space and its sampler."""

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

from frostline.config.checks.check import argument_problems
from frostline.config.checks.signature import read_signature
from frostline.config.checks.source import find_module
from frostline.config.fusable import FUSED
from frostline.config.search.problems import KEY, search_problems
from frostline.config.search.space import SearchParameter, search_parameters
from frostline.errors import Problem
from frostline.results.home_paths import expand_home
from frostline.results.metric_names import DEFAULT_MONITOR, metric_direction
from frostline.results.search_storage import TrialStorage, as_mapping, make_optuna
from frostline.seeding import derive_seed
from frostline.types import Count, NonNegativeInt

SWEEPER = "hydra_plugins.frostline_optuna.OptunaSweeper"
ONE_SEED = ("qmc",)  # samplers that need the same seed for all trials
STORAGE = "hydra.sweeper.storage"


@dataclass(frozen=True)
class SearchSettings:
    """Keys of `hydra.sweeper`."""

    n_trials: Count = 20
    n_jobs: Count = 1
    direction: str | Sequence[str] | None = None
    objectives: str | Sequence[str] | None = None
    seed: NonNegativeInt | None = 1
    sampler: str | Mapping[str, Any] = "tpe"
    pruner: str | Mapping[str, Any] | None = None
    storage: str | None = None
    study_name: str | None = None
    params: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Search:
    """The search of a command. fixed: the overrides that all its trials share."""

    settings: SearchSettings
    space: tuple[SearchParameter, ...]
    fixed: tuple[str, ...]
    objectives: tuple[str, ...]
    directions: tuple[str, ...]
    fused: bool = False

    def content(self, first: str) -> str:
        """Return what all trials of one search have in common. first: id of the run at the space's first point."""
        return json.dumps([first, list(map(repr, self.space)), self.objectives, self.directions])

    def storage(self, first: str, folder: Path) -> TrialStorage:
        """Return where the trials are stored; the default name depends on all settings but n_trials."""
        methods = [str(as_mapping(self.settings.sampler)), str(as_mapping(self.settings.pruner)), self.settings.seed]
        digest = hashlib.sha256(json.dumps([self.content(first), methods]).encode()).hexdigest()[:8]
        keys = "-".join(re.split(r"\W", parameter.key)[-1] for parameter in self.space)[:40]
        name = self.settings.study_name or f"{keys}-{digest}"
        storage = self.settings.storage or str(folder / ".optuna" / f"{name}.log")
        return TrialStorage(storage if "://" in storage else str(expand_home(storage, STORAGE).absolute()), name)

    def sampler(self, number: int, key: str = "") -> Any:
        """Return the sampler of one value of one trial, with a separate seed, so that trials can be resumed."""
        settings = as_mapping(self.settings.sampler)
        stream = (number, key) if settings["name"].lower() not in ONE_SEED else ()
        seed = None if self.settings.seed is None else derive_seed(self.settings.seed, *stream) % 2**32
        return make_optuna("sampler", settings, seed=seed)

    @property
    def pruner(self) -> dict[str, Any]:
        """The pruner's name and arguments; empty without a pruner."""
        return as_mapping(self.settings.pruner)


def read_search(
    cfg: DictConfig, overrides: Sequence[Override]
) -> tuple[Search | None, list[SearchParameter], list[Problem]]:
    """Return the search, None if its settings are wrong; the valid parameters of its space; and all problems."""
    parameters, problems = search_parameters(overrides)
    if find_module("optuna") is None:
        do = "pip install 'frostline[optuna]', or leave hydra/sweeper=optuna out"
        return None, parameters, [*problems, Problem("hydra/sweeper", "Optuna is not installed", do)]
    values: Any = OmegaConf.to_container(cfg.hydra.sweeper, resolve=True)
    problems += argument_problems(KEY, values, read_signature(f"{__name__}.SearchSettings", KEY))
    if any(problem.key.startswith(KEY) for problem in problems):
        return None, parameters, problems
    names = [field.name for field in fields(SearchSettings) if field.name in values]
    settings = SearchSettings(**{name: values[name] for name in names})
    objectives = _as_list(settings.objectives) or [OmegaConf.select(cfg, "trainer.monitor") or DEFAULT_MONITOR]
    directions = _as_list(settings.direction) or [metric_direction(name) or "maximize" for name in objectives]
    fixed = {o.get_key_element(): o.get_value_element_as_str() for o in overrides if not o.is_sweep_override()}
    lines = tuple(f"{key}={value}" for key, value in fixed.items())
    fused = OmegaConf.select(cfg, "hydra.launcher._target_") == FUSED
    search = Search(settings, tuple(parameters), lines, tuple(objectives), tuple(directions), fused)
    return search, parameters, [*problems, *search_problems(search, bool(OmegaConf.select(cfg, "rerun")))]


def _as_list(value: str | Sequence[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
