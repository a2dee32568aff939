"""The data sets that `dataset.shifts` or `dataset.tasks` names become part of the config and are checked with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobRuntime
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from frostline import session
from frostline.config.choices import group_choices
from frostline.config.hydra_internals import HydraLoader, search_path_of
from frostline.config.search_path import SCHEME
from frostline.errors import Problem, UserError, did_you_mean, one_line, user_error


def compose_datasets(names: Iterable[Any], key: str) -> dict[str, Any]:
    """Return name -> config of that choice of `dataset`, so that the run's id depends on their content.

    key: the one that lists the names.

    Raises:
        UserError: there is no such choice, or its yaml cannot be composed.
    """
    loader, folders = _current_loader()
    known = list(group_choices(loader, "dataset"))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(Problem(key, f"there is no data set '{n}'", did_you_mean(str(n), known)) for n in unknown)
    composed = session.current().shifted
    for name in names:
        if (name, folders) not in composed:
            composed[name, folders] = _compose_dataset(loader, name, key)
    return {str(name): composed[name, folders] for name in names}


def _current_loader() -> tuple[HydraLoader, tuple[str, ...]]:
    """Return a loader over the folders that the current config was composed from, and these folders."""
    current: Any = HydraConfig.instance().cfg
    sources = OmegaConf.select(current, "hydra.runtime.config_sources") if current is not None else ()
    sources = [source for source in sources if source.schema != SCHEME]  # folders of studies have no data sets
    path = search_path_of((source.provider, f"{source.schema}://{source.path}") for source in sources)
    return HydraLoader(path), tuple(source.path for source in sources)


def _compose_dataset(loader: HydraLoader, name: str, key: str) -> dict[str, Any]:
    JobRuntime.instance().set("name", "frostline")
    try:
        dataset = loader.load_configuration(None, [f"+dataset={name}"], RunMode.RUN).get("dataset")
        content = OmegaConf.to_container(dataset, resolve=True) if isinstance(dataset, DictConfig) else None
    except Exception as error:
        raise user_error(key, f"'{name}' cannot be composed: {one_line(error)}", "correct its yaml") from error
    if not isinstance(content, dict):
        raise user_error(key, f"'{name}' is empty", "give its yaml a _target_")
    return {str(key): value for key, value in content.items()}
