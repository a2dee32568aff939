"""All that we use of Hydra's private modules; an upgrade of Hydra can break this file alone."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from hydra._internal import hydra as application
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.config_repository import IConfigRepository
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.utils import create_config_search_path, get_args_parser
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

BASIC_SWEEPER = f"{BasicSweeper.__module__}.{BasicSweeper.__qualname__}"  # its `_target_`

ConfigRepository = IConfigRepository
FileSource = FileConfigSource
argument_parser = get_args_parser


class HydraLoader(ConfigLoaderImpl):
    """Hydra's loader of configs, with public names for the private methods that we call."""

    def open_repository(self, config_name: str | None) -> ConfigRepository:
        """Return a reader of the config files in the search path and in the folders that the primary config adds."""
        return self._parse_overrides_and_create_caching_repo(config_name, [])[1]

    def apply_overrides(self, overrides: Sequence[Override], cfg: DictConfig) -> None:
        """Set values in a composed config."""
        self._apply_overrides_to_config(list(overrides), cfg)

    @staticmethod
    def override_dirname(overrides: Sequence[Override], settings: DictConfig) -> str:
        """Return `hydra.job.override_dirname`, of which hydra.job.config.override_dirname has the settings."""
        return get_overrides_dirname(list(overrides), settings.exclude_keys, settings.item_sep, settings.kv_sep)


def search_path(config_path: str, config_dir: str | None = None) -> ConfigSearchPath:
    """Return Hydra's search path with the folder `config_path`, and before it the user's folder `config_dir`."""
    path = create_config_search_path(config_path)
    if config_dir:
        path.prepend("command-line", f"file://{Path(config_dir).resolve()}", SearchPathQuery(provider="schema"))
    return path


def search_path_of(sources: Iterable[tuple[str, str]]) -> ConfigSearchPath:
    """Return a search path with these sources, each given as its provider and its URL."""
    path = ConfigSearchPathImpl()
    for provider, url in sources:
        path.append(provider, url)
    return path


def flags_help(parser: ArgumentParser) -> str:
    """Return the part of --help that describes Hydra's flags."""
    return application.Hydra.format_args_help(parser)


def product(overrides: Sequence[Override]) -> list[list[str]]:
    """Return the overrides of each job of a grid over the values of all sweeps.

    Raises:
        HydraException: a sweep has no finite list of values.
    """
    return [list(job) for batch in BasicSweeper.split_arguments(list(overrides), None) for job in batch]


def run_application(
    task: Callable[[DictConfig], Any],
    argv: Sequence[str],
    loader: type[HydraLoader],
    config_folder: Path,
    version_base: str,
) -> None:
    """Let Hydra compose the config of a command line, as `loader` does it, and call `task` for each of its jobs."""
    with _patched(argv, loader):
        hydra.main(str(config_folder), "config", version_base)(task)()


@contextmanager
def _patched(argv: Sequence[str], loader: type[HydraLoader]) -> Iterator[None]:
    """Hydra reads the command line from sys.argv and the class of its loader from a module."""
    module: Any = application
    sweeper: Any = BasicSweeper
    active: Any = GlobalHydra.instance()  # of a user's program that calls frostline.run
    before = sys.argv, module.ConfigLoaderImpl, sweeper.validate_batch_is_legal, active.hydra
    sys.argv, module.ConfigLoaderImpl, active.hydra = [sys.argv[0], *argv], loader, None
    sweeper.validate_batch_is_legal = _skip_validation
    try:
        yield
    finally:
        sys.argv, module.ConfigLoaderImpl, sweeper.validate_batch_is_legal, active.hydra = before


def _skip_validation(sweeper: BasicSweeper, batch: Sequence[Sequence[str]]) -> None:
    """All jobs have been composed and checked before; Hydra would compose each of them again."""
