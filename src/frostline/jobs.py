"""Jobs as Hydra hands them over, one or several; each ends in a row of the table, whatever comes of it."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from frostline.compose import resolvers
from frostline.compose.command import is_main_process
from frostline.compose.fusing import groups
from frostline.errors import FrostlineError
from frostline.progress import say
from frostline.store import ledger
from frostline.store.folder import RunFolder
from frostline.store.summary import Row
from frostline.types import Config

DEBUG = "FROSTLINE_DEBUG"
Outcome = dict[str, Any] | Exception  # a job's result, or why it has none
resolvers.register()  # here, because a launcher's worker imports this module for `task` and nothing else


@dataclass(frozen=True)
class Described:
    """One job, as Hydra hands it over."""

    config: Config
    choices: dict[str, str]
    overrides: list[str]
    folder: Path


def describe(cfg: DictConfig) -> Described:
    """What Hydra says of the job that it is about to do."""
    current = HydraConfig.get()
    config = cast(Config, OmegaConf.to_container(cfg, resolve=True))
    choices = resolvers.choices(OmegaConf.create({"hydra": {"runtime": {"choices": current.runtime.choices}}}))
    overrides = [str(line) for line in current.overrides.task]
    return Described(config, choices, overrides, Path(current.runtime.output_dir))


def task(cfg: DictConfig) -> float:
    """One job. Its value is the monitored score, for sweepers that search; a failure is recorded and ends no sweep."""
    job, current = describe(cfg), HydraConfig.get()
    if not OmegaConf.is_missing(current.job, "num") and is_main_process():
        say(f"job {current.job.num}: {' '.join(job.overrides)}")
    return _ended(job, _done(job))


def together(jobs: Sequence[Described]) -> list[float]:
    """Several jobs, those that can be trained together in one go; their values in order."""
    values: dict[int, float] = {}
    begun = [i for i, job in enumerate(jobs) if RunFolder(job.folder).resume_point.exists()]
    for group in groups([job.config for job in jobs], begun):
        say(str(group))
        own = [jobs[place] for place in group.places]
        for place, job, outcome in zip(group.places, own, map(_done, own) if group.why else _fused(own), strict=True):
            values[place] = _ended(job, outcome)
    return [values[place] for place in range(len(jobs))]


def _fused(jobs: Sequence[Described]) -> Iterable[Outcome]:
    from frostline.fused.task import Task
    from frostline.fused.together import train

    try:
        return train([Task.of(job.config, job.choices, job.overrides, job.folder) for job in jobs])
    except Exception as error:  # of what they share
        return [error] * len(jobs)


def _done(job: Described) -> Outcome:
    try:
        from frostline.train import run

        return run(job.config, job.choices, job.overrides, job.folder)
    except Exception as error:
        return error


def _ended(job: Described, outcome: Outcome) -> float:
    row = Row(str(job.folder), job.choices, job.overrides)
    result = outcome if isinstance(outcome, dict) else {}
    if isinstance(outcome, Exception):
        _tell(outcome)
        row = Row(str(job.folder), job.choices, job.overrides, getattr(outcome, "status", 1), _reason(outcome))
    if is_main_process():
        ledger.note(row, os.environ.get(resolvers.SWEEP))
    return float(result.get("metrics", {}).get(job.config["trainer"]["monitor"] or "val/f1_macro", "nan"))


def _tell(error: Exception) -> None:
    """A mistake of the user's, or a failure that we know, in words; anything else, and with --debug all, as it came."""
    known = isinstance(error, FrostlineError)
    if not known or os.environ.get(DEBUG):
        traceback.print_exception(error)
    if known:
        say(error.render() if hasattr(error, "render") else str(error))


def _reason(error: Exception) -> str:
    """In one line, for the table."""
    problems = getattr(error, "problems", None)
    return "; ".join(map(str, problems)) if problems else f"{type(error).__name__}: {error}".splitlines()[0]
