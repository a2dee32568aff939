"""What our yaml files may ask for: ``${frostline.NAME:...}``."""

from __future__ import annotations

import itertools
import os
import pkgutil
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from frostline.config import shifts
from frostline.config.renamed import RENAMED, RESOLVERS, renamed
from frostline.errors import UserError, wrong
from frostline.results.identity import leaf

USUAL = {"lr": 1e-4, "epochs": 3}
SWEEP = "FROSTLINE_SWEEP"  # set by hydra.job.env_set: where a sweep keeps its own files
_OWN = f"hydra.job.env_set.{SWEEP}"
_reruns: dict[tuple[str, Any], str] = {}


def register() -> None:
    for function in (recommended, times, phases, folder, sweep, subdir, verbs):
        OmegaConf.register_new_resolver(f"frostline.{function.__name__}", function, replace=True)
    for old in RENAMED:
        if old.startswith(RESOLVERS):
            OmegaConf.register_new_resolver(old, partial(_refuse, old), replace=True)
    OmegaConf.register_new_resolver("frostline.leaf", run_leaf, replace=True)
    OmegaConf.register_new_resolver("frostline.shifted", shifts.shifted, replace=True)


def _refuse(name: str, *_: Any) -> Any:
    raise UserError([problem] if (problem := renamed(name)) else [])


def recommended(name: str, *, _root_: DictConfig) -> Any:
    """Return the learning rate or the epochs recommended for the adapter, else for the strategy, else for `full`."""
    groups = [OmegaConf.select(_root_, f"{group}.recommended") for group in ("adapter", "freezing")]
    values = [own.get(name) for own in groups if isinstance(own, DictConfig)]
    return next((value for value in values if value is not None), USUAL[name])


def times(factor: float, value: Any) -> Any:
    """factor x value, rounded to what people write: 100 x 1e-4 is 0.01."""
    return float(f"{factor * value:.12g}") if isinstance(value, int | float) else value


def phases(file: str | None) -> Any:
    """The phases in a yaml file, so that the config, and with it the run's id, holds them."""
    if file is None:
        raise wrong("freezing.file", "is missing", _WRITE)
    path = Path(str(file)).expanduser()
    try:
        content = OmegaConf.to_container(OmegaConf.load(path))
    except OSError as error:
        raise wrong("freezing.file", f"'{path}' cannot be read ({error.strerror})", _WRITE) from error
    except Exception as error:
        raise wrong("freezing.file", f"'{path}' is no yaml file ({type(error).__name__})", _WRITE) from error
    if not isinstance(content, dict) or not isinstance(content.get("phases"), list):
        raise wrong("freezing.file", f"'{path}' has no list `phases`", _WRITE)
    return content["phases"]


_WRITE = "write one with `frostline plan --write FILE` and edit it"


def plain(root: DictConfig) -> dict[str, Any]:
    """The resolved config less Hydra's own part."""
    ours = {str(key): "???" if OmegaConf.is_missing(root, key) else root[key] for key in root if key != "hydra"}
    return {k: OmegaConf.to_container(v, resolve=True) if OmegaConf.is_config(v) else v for k, v in ours.items()}


def choices(root: DictConfig) -> dict[str, str]:
    """Config group -> the name chosen, less Hydra's own groups and those with no choice."""
    chosen = OmegaConf.select(root, "hydra.runtime.choices") or {}
    return {str(k): str(v) for k, v in chosen.items() if v is not None and not str(k).startswith("hydra/")}


def run_leaf(*, _root_: DictConfig) -> str:
    """The run folder's name; with rerun=true the first of -rerun1, -rerun2 ... that is not there."""
    config = plain(_root_)
    name = leaf(config, choices(_root_))
    if not config.get("rerun"):
        return name
    key = (str(_parent(_root_) / name), OmegaConf.select(_root_, "hydra.job.num", throw_on_missing=False))
    if key not in _reruns:  # kept: in a job's own time the folder comes into being
        _reruns[key] = next(n for n in (f"{name}-rerun{i}" for i in itertools.count(1)) if _free(_root_, n))
    return _agreed(_root_, _reruns[key])


def _agreed(root: DictConfig, name: str) -> str:
    """The name that a job of a sweep was given first, by the process that was asked for it or a worker since killed."""
    own, number = (OmegaConf.select(root, k, throw_on_missing=False) for k in (_OWN, "hydra.job.num"))
    if not own or number is None:
        return name
    file = Path(str(own)) / "reruns" / str(number)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x") as new:
            new.write(name)
    except FileExistsError:
        return file.read_text()
    return name


def _parent(root: DictConfig) -> Path:
    runs = OmegaConf.select(root, "paths.runs", default="runs")
    return Path(str(runs)).expanduser() / str(OmegaConf.select(root, "study"))


def _free(root: DictConfig, name: str) -> bool:
    return name not in _reruns.values() and not (_parent(root) / name).exists()


def folder(*, _root_: DictConfig) -> str:
    """runs/<study>/<leaf>, for a single run and a job of a sweep alike."""
    return str(_parent(_root_) / run_leaf(_root_=_root_))


def sweep(*, _root_: DictConfig) -> str:
    """A job's parent folder; for the sweep as a whole, which has no job number, the folder of its own files."""
    own = OmegaConf.select(_root_, _OWN)
    if own and OmegaConf.select(_root_, "hydra.job.num", throw_on_missing=False) is None:
        return str(own)
    return str(_parent(_root_))


def subdir(*, _root_: DictConfig) -> str | None:
    """Where Hydra writes in the run folder: nowhere if the run is complete."""
    output = OmegaConf.select(_root_, "hydra.runtime.output_dir", throw_on_missing=False)
    complete = output is not None and (Path(output) / "result.json").exists()
    return None if complete else ".hydra"


def verbs() -> str:
    return ", ".join(verb_names())


def verb_names() -> list[str]:
    package = os.fspath(Path(__file__).resolve().parents[1] / "commands")
    return sorted(module.name for module in pkgutil.iter_modules([package]))


def forget() -> None:
    """A new command: folders of reruns are chosen anew, yaml files read again."""
    _reruns.clear()
    shifts.forget()
