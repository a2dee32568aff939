"""Resolvers of our yaml files, ``${frostline.NAME:...}``, and configs resolved to plain values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from frostline import session
from frostline.config import shifts
from frostline.config.arguments import subcommands
from frostline.config.inputs import with_inputs
from frostline.config.renamed import RENAMED, renamed
from frostline.errors import Problem, UserError, one_line, user_error
from frostline.results.home_paths import expand_home
from frostline.results.identity import run_folder_name

PREFIX = "frostline."
DEFAULT_RECIPE = {"lr": 1e-4, "epochs": 3}
SWEEP = "FROSTLINE_SWEEP"  # environment variable with the folder of a sweep's files, set by hydra.job.env_set
SWEEP_FOLDER = f"hydra.job.env_set.{SWEEP}"
WRITE_PLAN = "write one with `frostline plan --write FILE` and edit it"


def register_resolvers() -> None:
    """Register all resolvers with OmegaConf in this process."""
    resolvers: dict[str, Callable[..., Any]] = {
        "recommended": recommended,
        "least_steps": least_steps,
        "times": times,
        "phases": read_phases,
        "folder": run_folder,
        "sweep": sweep_folder,
        "subdir": hydra_subfolder,
        "leaf": folder_name,
        "subcommands": lambda: ", ".join(subcommands()),
        "shifted": shifted_datasets,
        "tasks": task_datasets,
    }
    old_names = [name.removeprefix(PREFIX) for name in RENAMED if name.startswith(PREFIX)]
    resolvers |= {name: partial(_refuse_old_name, f"{PREFIX}{name}") for name in old_names}
    for name, function in resolvers.items():
        OmegaConf.register_new_resolver(f"{PREFIX}{name}", function, replace=True)


def forget_reruns() -> None:
    """Forget folders of reruns and composed data sets: a new command begins, before which files may have changed."""
    state = session.current()
    state.rerun_folders.clear()
    state.shifted.clear()


def _refuse_old_name(name: str, *_: Any) -> Any:
    raise UserError([problem] if (problem := renamed(name)) else [])


# Values


def recommended(name: str, *, _root_: DictConfig) -> Any:
    """Return the learning rate or epochs recommended for the adapter, else for the strategy, else for `full`."""
    recipes = [OmegaConf.select(_root_, f"{group}.recommended") for group in ("adapter", "freezing")]
    values = [recipe.get(name) for recipe in recipes if isinstance(recipe, DictConfig)]
    return next((value for value in values if value is not None), DEFAULT_RECIPE[name])


def least_steps(count: int, *, _root_: DictConfig) -> int | None:
    """Return `count` where trainer.max_epochs is the recommended number, and None where the user has chosen it."""
    return count if OmegaConf.is_interpolation(_root_.trainer, "max_epochs") else None


def times(factor: float, value: Any) -> Any:
    """Return factor * value, rounded to 12 digits so that 100 * 1e-4 is 0.01."""
    return float(f"{factor * value:.12g}") if isinstance(value, int | float) else value


def read_phases(file: str | None) -> Any:
    """Return the phases in a yaml file, so that the config and the run's id depend on its content."""
    if file is None:
        raise user_error("freezing.file", "is missing", WRITE_PLAN)
    path = expand_home(str(file), "freezing.file")
    try:
        content = OmegaConf.to_container(OmegaConf.load(path))
    except OSError as error:
        raise user_error("freezing.file", f"'{path}' cannot be read ({error.strerror})", WRITE_PLAN) from error
    except Exception as error:
        raise user_error(
            "freezing.file", f"'{path}' is not a yaml file ({type(error).__name__})", WRITE_PLAN
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("phases"), list):
        raise user_error("freezing.file", f"'{path}' has no list `phases`", WRITE_PLAN)
    return content["phases"]


# Folders


def shifted_datasets(names: Any) -> dict[str, Any] | None:
    """Return name -> config of each data set in `dataset.shifts`; None for null, or a value that the check rejects."""
    return shifts.compose_datasets(names, "dataset.shifts") if isinstance(names, ListConfig | list) else None


def task_datasets(*, _parent_: DictConfig) -> dict[str, Any] | None:
    """Return name -> config of each data set in `dataset.tasks`; None for a missing value, which the check reports."""
    names = None if OmegaConf.is_missing(_parent_, "tasks") else _parent_.tasks
    return shifts.compose_datasets(names, "dataset.tasks") if isinstance(names, ListConfig | list) else None


def run_folder(*, _root_: DictConfig) -> str:
    """Return runs/<study>/<name>, the folder of a single run as of a job of a sweep."""
    return str(_study_folder(_root_) / folder_name(_root_=_root_))


def folder_name(*, _root_: DictConfig) -> str:
    """Return the name of the run folder; with rerun=true it ends in -rerun1 or the next free number."""
    config = _plain_config(_root_)
    name = run_folder_name(with_inputs(config), choices(_root_))
    if not config.get("rerun"):
        return name
    key = (str(_study_folder(_root_) / name), OmegaConf.select(_root_, "hydra.job.num", throw_on_missing=False))
    reruns = session.current().rerun_folders
    if key not in reruns:  # remembered, as the folder exists once its job has begun
        names = (f"{name}-rerun{i}" for i in itertools.count(1))
        reruns[key] = next(candidate for candidate in names if _is_free(_root_, candidate))
    return _agree_across_processes(_root_, reruns[key])


def sweep_folder(*, _root_: DictConfig) -> str:
    """Return the parent folder of a job; for the sweep itself, which has no job number, the folder of its files."""
    folder = OmegaConf.select(_root_, SWEEP_FOLDER)
    if folder and OmegaConf.select(_root_, "hydra.job.num", throw_on_missing=False) is None:
        return str(folder)
    return str(_study_folder(_root_))


def hydra_subfolder(*, _root_: DictConfig) -> str | None:
    """Return where Hydra writes within the run folder: None if the run is complete, so that nothing is written."""
    output = OmegaConf.select(_root_, "hydra.runtime.output_dir", throw_on_missing=False)
    complete = output is not None and (Path(output) / "result.json").exists()
    return None if complete else ".hydra"


def choices(root: DictConfig) -> dict[str, str]:
    """Return group -> choice, without Hydra's groups and those without a choice."""
    chosen = OmegaConf.select(root, "hydra.runtime.choices") or {}
    return {str(k): str(v) for k, v in chosen.items() if v is not None and not str(k).startswith("hydra/")}


def _agree_across_processes(root: DictConfig, name: str) -> str:
    """Return the name that the first process has chosen for this job of a sweep."""
    folder, number = (OmegaConf.select(root, key, throw_on_missing=False) for key in (SWEEP_FOLDER, "hydra.job.num"))
    if not folder or number is None:
        return name
    file = Path(str(folder)) / "reruns" / str(number)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x") as stream:
            stream.write(name)
    except FileExistsError:
        return file.read_text()
    return name


def _study_folder(root: DictConfig) -> Path:
    runs = OmegaConf.select(root, "paths.runs", default="runs")
    return expand_home(str(runs), "paths.runs") / str(OmegaConf.select(root, "study"))


def _is_free(root: DictConfig, name: str) -> bool:
    return name not in session.current().rerun_folders.values() and not (_study_folder(root) / name).exists()


def _plain_config(root: DictConfig) -> dict[str, Any]:
    keys = [key for key in root if key != "hydra"]
    values = {str(key): "???" if OmegaConf.is_missing(root, key) else root[key] for key in keys}
    return {k: OmegaConf.to_container(v, resolve=True) if OmegaConf.is_config(v) else v for k, v in values.items()}


# Resolved configs


def resolve_config(cfg: DictConfig) -> tuple[dict[str, Any], list[Problem]]:
    """Return the config as plain values without the part of Hydra, and the keys that cannot be resolved."""
    problems: list[Problem] = []
    return _resolve_node(cfg, [key for key in cfg if key != "hydra"], "", problems), problems


def _resolve_node(node: DictConfig | ListConfig, keys: Iterable[Any], prefix: str, problems: list[Problem]) -> Any:
    values: dict[Any, Any] = {}
    for key in keys:
        try:
            value = "???" if OmegaConf.is_missing(node, key) else node[key]
        except (OmegaConfBaseException, UserError, TypeError) as error:
            problems += _resolution_problems(f"{prefix}{key}", error)
            continue
        if isinstance(value, DictConfig | ListConfig):
            inner_keys = range(len(value)) if isinstance(value, ListConfig) else list(value)
            value = _resolve_node(value, inner_keys, f"{prefix}{key}.", problems)
        values[key] = value
    return list(values.values()) if isinstance(node, ListConfig) else values


def _resolution_problems(key: str, error: BaseException) -> list[Problem]:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UserError):
            return cause.problems
        cause = cause.__cause__ or cause.__context__
    return [Problem(key, f"cannot be resolved: {one_line(error)}", "give it a value")]
