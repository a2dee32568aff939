"""Hydra's composition with a memory: jobs of a sweep that make the same choices differ in values alone.

Most of the time goes into finding the yaml files of the choices and merging them, which values have no part in.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.config_repository import IConfigRepository
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from frostline.config.copies import Copies

SEARCHPATH = "hydra.searchpath"  # adds folders, and so choices


@dataclass
class ComposedConfigs:
    """What was composed from folders as they are looked through."""

    repositories: dict[str | None, IConfigRepository] = field(default_factory=dict)
    composed: dict[tuple[Any, ...], Copies] = field(default_factory=dict)


_memories: dict[tuple[str, ...], ComposedConfigs] = {}


def forget() -> None:
    """When a command begins: files may have changed since the last."""
    _memories.clear()


class ConfigLoader(ConfigLoaderImpl):
    """Composes once for each set of choices of a command, whichever loader is asked; gives copies."""

    def __init__(self, config_search_path: ConfigSearchPath) -> None:
        super().__init__(config_search_path)
        self.memory = _remembered(config_search_path)

    def __getstate__(self) -> dict[str, Any]:
        """A launcher's worker gets the loader without its memory."""
        return {name: value for name, value in self.__dict__.items() if name != "memory"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self.memory = _remembered(self.config_search_path)

    def _load_configuration_impl(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        parsed = OverridesParser.create().parse_overrides(overrides=overrides)
        if any(override.key_or_group == SEARCHPATH for override in parsed):
            return super()._load_configuration_impl(
                config_name, overrides, run_mode, from_shell, validate_sweep_overrides
            )
        if validate_sweep_overrides:
            self.validate_sweep_overrides_legal(parsed, run_mode, from_shell)
        repository = self._repository(config_name)
        chosen = [str(o.input_line) for o in parsed if _chooses(o, repository)]
        key = (config_name, run_mode, Path.cwd(), *chosen)
        if key not in self.memory.composed:
            whole = super()._load_configuration_impl(config_name, chosen, run_mode, from_shell, False)
            self.memory.composed[key] = Copies(whole)
        cfg = self.memory.composed[key].another()
        values = [o for o in parsed if not o.is_sweep_override() and not _chooses(o, repository)]
        self._apply_overrides_to_config(values, cfg)
        _tell(cfg, parsed)
        return cfg

    def _repository(self, config_name: str | None) -> IConfigRepository:
        """Our folders and those that the primary config adds."""
        known = self.memory.repositories
        if config_name not in known:
            known[config_name] = self._parse_overrides_and_create_caching_repo(config_name, [])[1]
        return known[config_name]


def _remembered(search_path: ConfigSearchPath) -> ComposedConfigs:
    places = tuple(str(element.path) for element in search_path.get_path())
    return _memories.setdefault(places, ComposedConfigs())


def _chooses(override: Override, repository: IConfigRepository) -> bool:
    """As Hydra tells a choice from a value."""
    if override.is_sweep_override() or isinstance(override.value(), dict):
        return False
    return repository.group_exists(override.key_or_group)


def _tell(cfg: DictConfig, overrides: list[Override]) -> None:
    """What a config says of the overrides that it was composed with."""
    hydra = [o for o in overrides if o.is_hydra_override()]
    task = [o for o in overrides if not o.is_hydra_override()]
    cfg.hydra.overrides.hydra = [o.input_line for o in hydra]
    cfg.hydra.overrides.task = [o.input_line for o in task]
    with open_dict(cfg.hydra):
        for name in cfg.hydra.job.env_copy:
            cfg.hydra.job.env_set[name] = os.environ[name]
    words = cfg.hydra.job.config.override_dirname
    cfg.hydra.job.override_dirname = get_overrides_dirname(task, words.exclude_keys, words.item_sep, words.kv_sep)
