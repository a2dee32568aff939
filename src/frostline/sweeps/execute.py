"""Jobs as Hydra hands them over, one or several; each ends in a row of the table, whatever comes of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from frostline.config import resolvers
from frostline.config.fusable import fusable_groups
from frostline.config.hydra_job import HydraJob, describe
from frostline.config.jobs import is_main_process
from frostline.console import say
from frostline.distributed import resources as share
from frostline.results import sweep_log as ledger
from frostline.results.folder import RunFolder
from frostline.results.summary_table import COMPLETE, FAILED, RESUMED, TRAINED
from frostline.sweeps import interrupt as stopping
from frostline.sweeps.outcome import Outcome, Skipped, ended, score

resolvers.register_resolvers()  # here, because a launcher's worker imports this module for `task` and nothing else


def task(cfg: DictConfig) -> float:
    """One job. Its value is the monitored score, for sweepers that search; a failure is recorded and ends no sweep."""
    job, current = describe(cfg), HydraConfig.get()
    if not OmegaConf.is_missing(current.job, "num") and is_main_process():
        say(f"job {current.job.num}: {' '.join(job.overrides)}")
    share.take(job.config["trainer"])
    return single(job)


def single(job: HydraJob) -> float:
    """One job that has been described, wherever this is."""
    how = _how(job)
    return ended(job, how, _alone(job, how))


def lost(job: HydraJob, why: Exception) -> float:
    """A job whose worker ended before it had told how the job ended; its folder may know."""
    place, sweep = RunFolder(job.folder), Path(os.environ[resolvers.SWEEP])
    if any(row.folder == str(job.folder) for row in ledger.rows(sweep)):
        return score(job, place.read_result())
    if (result := place.read_result()) is not None:
        return ended(job, TRAINED, result)
    from frostline.training.lifecycle import record_failure

    record_failure(place, why)
    return ended(job, FAILED, why)


def together(jobs: Sequence[HydraJob]) -> list[float]:
    """Several jobs, those that can be trained together in one go; their values in order."""
    values: dict[int, float] = {}
    hows = [_how(job) for job in jobs]
    for group in fusable_groups([job.config for job in jobs], [i for i, how in enumerate(hows) if how == RESUMED]):
        say(str(group))
        own = [jobs[place] for place in group.indices]
        for job in [] if group.reason else own:
            _begin(job)
        found = (_alone(jobs[place], hows[place]) for place in group.indices) if group.reason else _fused(own)
        for place, outcome in zip(group.indices, found, strict=True):
            values[place] = ended(jobs[place], hows[place], outcome)
    return [values[place] for place in range(len(jobs))]


def _fused(jobs: Sequence[HydraJob]) -> Iterable[Outcome]:
    if _skipped(jobs[0]) is not None:
        return [_done(job, _how(job)) for job in jobs]  # what is complete is told as such
    from frostline.sweeps.fused.task import NotFusable, Task
    from frostline.sweeps.fused.train import train

    tasks = [Task.of(job.config, job.choices, job.overrides, job.folder) for job in jobs]
    try:
        found = train(tasks, Path(os.environ[resolvers.SWEEP]))
    except Exception as error:  # of what they share
        return [error] * len(jobs)
    for why, count in Counter(str(outcome) for outcome in found if isinstance(outcome, NotFusable)).items():
        say(f"{count} jobs one by one after all: {why}")
    return (_done(job, TRAINED) if isinstance(one, NotFusable) else one for job, one in zip(jobs, found, strict=True))


def _begin(job: HydraJob) -> None:
    if is_main_process():
        ledger.begin(job.folder, os.environ.get(resolvers.SWEEP))


def _alone(job: HydraJob, how: str) -> Outcome:
    _begin(job)
    return _done(job, how)


def _done(job: HydraJob, how: str) -> Outcome:
    if how != COMPLETE and (skipped := _skipped(job)) is not None:
        return skipped
    try:
        from frostline.training.run import run

        return run(job.config, job.choices, job.overrides, job.folder)
    except Exception as error:
        return error


def _how(job: HydraJob) -> str:
    """What there is to do, as its folder shows it."""
    place = RunFolder(job.folder)
    return COMPLETE if place.result.exists() else RESUMED if place.resume_point.exists() else TRAINED


def _skipped(job: HydraJob) -> Skipped | None:
    """Why it is not begun: Ctrl-C, or more failures in its sweep than it allows."""
    limit, sweep = job.config["max_failures"], os.environ.get(resolvers.SWEEP)
    if stopping.asked(sweep):
        return Skipped("Ctrl-C")
    if limit is not None and sweep and (count := sum(r.how == FAILED for r in ledger.rows(Path(sweep)))) > limit:
        return Skipped(f"{count} failed, and max_failures is {limit}")
    return None
