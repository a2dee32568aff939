"""Jobs as Hydra hands them over, one or several; each ends in a row of the table, whatever comes of it."""

from __future__ import annotations

import os
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from frostline import share, stopping
from frostline.compose import resolvers
from frostline.compose.command import is_main_process
from frostline.compose.fusing import groups
from frostline.errors import FrostlineError
from frostline.progress import say
from frostline.store import ledger
from frostline.store.folder import RunFolder
from frostline.store.summary import COMPLETE, FAILED, PRUNED, RESUMED, SKIPPED, TRAINED, Row
from frostline.studies import Pruned
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


class Skipped(Exception):  # noqa: N818  # no error: the job was not begun
    status = 0


def task(cfg: DictConfig) -> float:
    """One job. Its value is the monitored score, for sweepers that search; a failure is recorded and ends no sweep."""
    job, current = describe(cfg), HydraConfig.get()
    if not OmegaConf.is_missing(current.job, "num") and is_main_process():
        say(f"job {current.job.num}: {' '.join(job.overrides)}")
    share.take(job.config["trainer"])
    return single(job)


def single(job: Described) -> float:
    """One job that has been described, wherever this is."""
    how = _how(job)
    return _ended(job, how, _alone(job, how))


def lost(job: Described, why: Exception) -> float:
    """A job whose worker ended before it had told how the job ended; its folder may know."""
    place, sweep = RunFolder(job.folder), Path(os.environ[resolvers.SWEEP])
    if any(row.folder == str(job.folder) for row in ledger.rows(sweep)):
        return _score(job, place.read_result())
    if (result := place.read_result()) is not None:
        return _ended(job, TRAINED, result)
    from frostline.train import note_failure

    note_failure(place, why)
    return _ended(job, FAILED, why)


def together(jobs: Sequence[Described]) -> list[float]:
    """Several jobs, those that can be trained together in one go; their values in order."""
    values: dict[int, float] = {}
    hows = [_how(job) for job in jobs]
    for group in groups([job.config for job in jobs], [i for i, how in enumerate(hows) if how == RESUMED]):
        say(str(group))
        own = [jobs[place] for place in group.places]
        for job in [] if group.why else own:
            _begin(job)
        found = (_alone(jobs[place], hows[place]) for place in group.places) if group.why else _fused(own)
        for place, outcome in zip(group.places, found, strict=True):
            values[place] = _ended(jobs[place], hows[place], outcome)
    return [values[place] for place in range(len(jobs))]


def _fused(jobs: Sequence[Described]) -> Iterable[Outcome]:
    if _skipped(jobs[0]) is not None:
        return [_done(job, _how(job)) for job in jobs]  # what is complete is told as such
    from frostline.fused.task import Task, Unfit
    from frostline.fused.together import train

    tasks = [Task.of(job.config, job.choices, job.overrides, job.folder) for job in jobs]
    try:
        found = train(tasks, Path(os.environ[resolvers.SWEEP]))
    except Exception as error:  # of what they share
        return [error] * len(jobs)
    for why, count in Counter(str(outcome) for outcome in found if isinstance(outcome, Unfit)).items():
        say(f"{count} jobs one by one after all: {why}")
    return (_done(job, TRAINED) if isinstance(one, Unfit) else one for job, one in zip(jobs, found, strict=True))


def _begin(job: Described) -> None:
    if is_main_process():
        ledger.begin(job.folder, os.environ.get(resolvers.SWEEP))


def _alone(job: Described, how: str) -> Outcome:
    _begin(job)
    return _done(job, how)


def _done(job: Described, how: str) -> Outcome:
    if how != COMPLETE and (skipped := _skipped(job)) is not None:
        return skipped
    try:
        from frostline.train import run

        return run(job.config, job.choices, job.overrides, job.folder)
    except Exception as error:
        return error


def _how(job: Described) -> str:
    """What there is to do, as its folder shows it."""
    place = RunFolder(job.folder)
    return COMPLETE if place.result.exists() else RESUMED if place.resume_point.exists() else TRAINED


def _skipped(job: Described) -> Skipped | None:
    """Why it is not begun: Ctrl-C, or more failures in its sweep than it allows."""
    limit, sweep = job.config["max_failures"], os.environ.get(resolvers.SWEEP)
    if stopping.asked(sweep):
        return Skipped("Ctrl-C")
    if limit is not None and sweep and (count := sum(r.how == FAILED for r in ledger.rows(Path(sweep)))) > limit:
        return Skipped(f"{count} failed, and max_failures is {limit}")
    return None


def _ended(job: Described, how: str, outcome: Outcome) -> float:
    row = Row(str(job.folder), job.choices, job.overrides, how=how)
    result = outcome if isinstance(outcome, dict) else {}
    if isinstance(outcome, Skipped | Pruned):
        how = SKIPPED if isinstance(outcome, Skipped) else PRUNED
        row = Row(row.folder, job.choices, job.overrides, outcome.status, str(outcome), how)
    elif isinstance(outcome, Exception):
        _tell(outcome)
        row = Row(row.folder, job.choices, job.overrides, getattr(outcome, "status", 1), _reason(outcome), FAILED)
    if is_main_process():
        ledger.note(row, os.environ.get(resolvers.SWEEP), result.get("metrics", {}).get(monitored(job.config)))
    return _score(job, result)


def _score(job: Described, result: dict[str, Any] | None) -> float:
    return float((result or {}).get("metrics", {}).get(monitored(job.config), "nan"))


def monitored(config: Config) -> str:
    """The metric by which the jobs of a sweep are compared."""
    return str(config["trainer"]["monitor"] or "val/f1_macro")


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
