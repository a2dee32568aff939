"""Shifted test sets by the names of data sets: their yaml files become part of the config, and are checked like it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobRuntime
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf

from frostline.config.choices import options
from frostline.config.hydra_internals import HydraLoader, search_path_of
from frostline.config.resolve import one_line
from frostline.errors import Problem, UserError, did_you_mean, wrong

KEY = "dataset.shifts"
_composed: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {}


def shifted(names: Any) -> dict[str, Any] | None:
    """name -> the config of that choice of `dataset`, so that the run's config, and with it its id, holds them.

    Raises:
        UserError: there is no such choice, or its yaml cannot be read.
    """
    if not isinstance(names, ListConfig | list):
        return None  # null, or what the check tells
    loader, places = _loader()
    known = list(options(loader, "dataset"))
    told = [Problem(KEY, f"there is no data set '{n}'", did_you_mean(str(n), known)) for n in names if n not in known]
    if told:
        raise UserError(told)
    for name in names:
        if (name, places) not in _composed:
            _composed[name, places] = _compose(loader, name)
    return {str(name): _composed[name, places] for name in names}


def forget() -> None:
    """A new command: yaml files may have changed."""
    _composed.clear()


def _loader() -> tuple[HydraLoader, tuple[str, ...]]:
    """Over the folders that the present config came from, in whatever process this is."""
    present: Any = HydraConfig.instance().cfg
    sources = OmegaConf.select(present, "hydra.runtime.config_sources") if present is not None else ()
    sources = [source for source in sources if source.schema != "studies"]  # which hold no data sets
    path = search_path_of((source.provider, f"{source.schema}://{source.path}") for source in sources)
    return HydraLoader(path), tuple(source.path for source in sources)


def _compose(loader: HydraLoader, name: str) -> dict[str, Any]:
    JobRuntime.instance().set("name", "frostline")
    try:
        found = loader.load_configuration(None, [f"+dataset={name}"], RunMode.RUN).get("dataset")
        content = OmegaConf.to_container(found, resolve=True) if isinstance(found, DictConfig) else None
    except Exception as error:
        raise wrong(KEY, f"'{name}' cannot be composed: {one_line(error)}", "correct its yaml") from error
    if not isinstance(content, dict):
        raise wrong(KEY, f"'{name}' sets nothing", "give its yaml a _target_")
    return {str(key): value for key, value in content.items()}


def problems(dataset: Mapping[str, Any], check: Callable[[Mapping[str, Any]], list[Problem]]) -> list[Problem]:
    """What is wrong with each shifted data set, as `check` tells it of a home data set, under the key that names it.

    A choice that cannot be had without further values (such as `table`) can be no shift: it needs a yaml of its own.
    """
    names = dataset.get("shifts") or []
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    told = [Problem(KEY, f"'{name}' stands there twice", "name it once") for name in twice]
    for name, given in (dataset.get("shifted") or {}).items():
        for found in check(given):
            own = found.key.removeprefix("dataset").lstrip(".")
            what = f"{name}: {own} {found.what}" if found.what.startswith("is ") else f"{name}: {own}: {found.what}"
            do = "give it in a yaml of your own, conf/dataset/…, and name that" if "missing" in found.what else found.do
            told.append(Problem(KEY, what, do))
    return told
