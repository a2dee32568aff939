"""Execution of the jobs that Hydra hands over, one by one or fused. Each job ends in a row of the table."""

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
from frostline.console import log
from frostline.distributed.ranks import is_main_process
from frostline.distributed.resources import allocate
from frostline.results.folder import RunFolder
from frostline.results.summary_table import COMPLETE, FAILED, RESUMED, TRAINED
from frostline.results.sweep_log import finished_rows, log_started
from frostline.sweeps.interrupt import interrupt_requested
from frostline.sweeps.outcome import Outcome, Skipped, job_score, record_outcome

resolvers.register_resolvers()  # here, because a launcher's worker imports this module and nothing else


def run_hydra_job(cfg: DictConfig) -> float:
    """Run one job and return its monitored metric. A failure is recorded and does not end the sweep."""
    job, hydra_config = describe(cfg), HydraConfig.get()
    if not OmegaConf.is_missing(hydra_config.job, "num") and is_main_process():
        log(f"job {hydra_config.job.num}: {' '.join(job.overrides)}")
    allocate(job.config["trainer"])
    return run_job(job)


def run_job(job: HydraJob) -> float:
    """Run one job in this process, on whatever machine that is, and return its monitored metric."""
    how = _planned_outcome(job)
    return record_outcome(job, how, _log_and_run(job, how))


def record_lost_job(job: HydraJob, reason: Exception) -> float:
    """Record a job whose worker ended without an answer. Its folder or the sweep's log may have its outcome."""
    folder, sweep = RunFolder(job.folder), Path(os.environ[resolvers.SWEEP])
    result = folder.read_result()
    if any(row.folder == str(job.folder) for row in finished_rows(sweep)):
        return job_score(job, result)
    if result is not None:
        return record_outcome(job, TRAINED, result)
    from frostline.training.lifecycle import record_failure

    record_failure(folder, reason)
    return record_outcome(job, FAILED, reason)


def run_fused(jobs: Sequence[HydraJob]) -> list[float]:
    """Run jobs, those together that can be, and return their monitored metrics in the order of the jobs."""
    scores: dict[int, float] = {}
    planned = [_planned_outcome(job) for job in jobs]
    resumed = [index for index, how in enumerate(planned) if how == RESUMED]
    for group in fusable_groups([job.config for job in jobs], resumed):
        log(str(group))
        outcomes = _run_group([jobs[index] for index in group.indices], is_fused=group.reason is None)
        for index, outcome in zip(group.indices, outcomes, strict=True):
            scores[index] = record_outcome(jobs[index], planned[index], outcome)
    return [scores[index] for index in range(len(jobs))]


def _run_group(jobs: Sequence[HydraJob], is_fused: bool) -> Iterable[Outcome]:
    """Return the outcomes of jobs; those of jobs that run one by one follow as each of them ends."""
    if not is_fused:
        return (_log_and_run(job, _planned_outcome(job)) for job in jobs)
    for job in jobs:
        _log_start(job)
    if _reason_to_skip(jobs[0]) is not None:
        return [_run_unless_skipped(job, _planned_outcome(job)) for job in jobs]  # complete jobs still give results
    return _run_together(jobs)


def _run_together(jobs: Sequence[HydraJob]) -> Iterable[Outcome]:
    from frostline.sweeps.fused.task import FusableJob, NotFusable
    from frostline.sweeps.fused.train import train_fused

    fusable = [FusableJob.of(job.config, job.choices, job.overrides, job.folder) for job in jobs]
    try:
        outcomes = train_fused(fusable, Path(os.environ[resolvers.SWEEP]))
    except Exception as error:  # in what the jobs share
        return [error] * len(jobs)
    for reason, count in Counter(str(outcome) for outcome in outcomes if isinstance(outcome, NotFusable)).items():
        log(f"{count} jobs one by one after all: {reason}")
    return (
        _run_unless_skipped(job, TRAINED) if isinstance(outcome, NotFusable) else outcome
        for job, outcome in zip(jobs, outcomes, strict=True)
    )


def _log_start(job: HydraJob) -> None:
    if is_main_process():
        log_started(job.folder, os.environ.get(resolvers.SWEEP))


def _log_and_run(job: HydraJob, how: str) -> Outcome:
    _log_start(job)
    return _run_unless_skipped(job, how)


def _run_unless_skipped(job: HydraJob, how: str) -> Outcome:
    if how != COMPLETE and (skipped := _reason_to_skip(job)) is not None:
        return skipped
    try:
        from frostline.training.run import run

        return run(job.config, job.choices, job.overrides, job.folder)
    except Exception as error:
        return error


def _planned_outcome(job: HydraJob) -> str:
    """Return the outcome of a job that succeeds, which follows from the files in its folder."""
    folder = RunFolder(job.folder)
    return COMPLETE if folder.result.exists() else RESUMED if folder.resume_checkpoint.exists() else TRAINED


def _reason_to_skip(job: HydraJob) -> Skipped | None:
    """Return why a job must not start: Ctrl-C, or more failures in its sweep than allowed; None where it may."""
    limit, sweep = job.config["max_failures"], os.environ.get(resolvers.SWEEP)
    if interrupt_requested(sweep):
        return Skipped("Ctrl-C")
    if limit is None or sweep is None:
        return None
    failed = sum(row.how == FAILED for row in finished_rows(Path(sweep)))
    return Skipped(f"{failed} failed, and max_failures is {limit}") if failed > limit else None
