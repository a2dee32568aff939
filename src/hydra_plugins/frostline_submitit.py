"""The launchers on submitit: processes of this machine, or Slurm.

Heavy imports are inside functions: Hydra imports this file at every start.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from omegaconf import OmegaConf

from frostline.errors import FrostlineError, Problem
from hydra_plugins._worker_process import RESTART_HINT, JobOverrides, Worker, WorkersLauncher

SECONDS_BETWEEN_CHECKS = 0.5
OF_EXECUTOR = ("max_num_timeout", "python")  # parameters of submitit's executor; the others are those of a job


class SubmititLauncher(WorkersLauncher):
    """The base of both launchers. parameters: those of submitit, as its documentation names them."""

    cluster = ""
    grace_seconds = 0.0  # from when a job is no longer listed until it counts as lost

    def __init__(self, submitit_folder: str, **parameters: Any) -> None:
        plain = {k: OmegaConf.to_container(v) if OmegaConf.is_config(v) else v for k, v in parameters.items()}
        self.folder, self.parameters = submitit_folder, plain

    @staticmethod
    def problems() -> Iterator[Problem]:
        """Yield what prevents the launcher from starting."""
        if find_spec("submitit") is None:
            yield Problem("hydra/launcher", "submitit is not installed", "pip install 'frostline[submitit]'")

    def run_in_workers(self, jobs: JobOverrides) -> dict[int, float | Exception]:
        from frostline.console import log

        worker = self._make_worker(len(jobs))
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # child processes inherit it
        try:
            submitted = self._make_executor().map_array(worker, jobs.values(), jobs)
        finally:
            signal.signal(signal.SIGINT, before)
        log(f"{len(submitted)} jobs submitted to {self.cluster}; their output is in {submitted[0].paths.folder.parent}")
        return dict(zip(jobs, self._wait_for_values(submitted), strict=True))

    def _make_worker(self, jobs: int) -> Worker:
        raise NotImplementedError

    def _make_executor(self) -> Any:
        from submitit import AutoExecutor

        chosen = {f"{self.cluster}_{k}": v for k, v in self.parameters.items() if k in OF_EXECUTOR}
        executor = AutoExecutor(folder=self.folder, cluster=self.cluster, **chosen)
        rest = {k: v for k, v in self.parameters.items() if k not in OF_EXECUTOR}
        common = AutoExecutor._typed_parameters()
        executor.update_parameters(**{k if k in common else f"{self.cluster}_{k}": v for k, v in rest.items()})
        return executor

    def _wait_for_values(self, jobs: list[Any]) -> list[float | Exception]:
        """Return the values of jobs, or the reasons why they have none."""
        values: dict[str, float | Exception] = {}
        missing_since: dict[str, float] = {}
        try:
            while waiting := [job for job in jobs if job.job_id not in values]:
                listed, now = self._listed_ids(waiting), time.monotonic()
                for job in waiting:
                    since = now if job.job_id in listed else missing_since.setdefault(job.job_id, now)
                    if job.task(0).paths.result_pickle.exists():
                        values[job.job_id] = _value_of(job.task(0))
                    elif job.job_id in listed:
                        missing_since.pop(job.job_id, None)
                    elif now - since >= self.grace_seconds:
                        values[job.job_id] = FrostlineError(f"its process is lost (job {job.job_id}); {RESTART_HINT}")
                time.sleep(SECONDS_BETWEEN_CHECKS)
        except KeyboardInterrupt:
            self._cancel([job for job in jobs if job.job_id not in values])
            raise
        return [values[job.job_id] for job in jobs]

    def _listed_ids(self, jobs: list[Any]) -> set[str]:
        """Return the ids of the jobs that are waiting or running."""
        raise NotImplementedError

    def _cancel(self, jobs: list[Any]) -> None:
        """Cancel jobs, where they do not end with this process."""


class LocalLauncher(SubmititLauncher):
    """Run all jobs of a sweep at the same time, each in a process of this machine."""

    cluster = "local"

    def _make_worker(self, jobs: int) -> Worker:
        from frostline.distributed.resources import worker_environment

        return self.worker(worker_environment(jobs))

    def _listed_ids(self, jobs: list[Any]) -> set[str]:
        return {job.job_id for job in jobs if not job.done()}


class SlurmLauncher(SubmititLauncher):
    """Submit jobs to Slurm. They continue when this process ends, unless Ctrl-C is pressed twice."""

    cluster, grace_seconds = "slurm", 60.0
    seconds_between_queries = 10.0  # of the queue; results are read from files

    @staticmethod
    def problems() -> Iterator[Problem]:
        yield from SubmititLauncher.problems()
        if shutil.which("sbatch") is None:
            do = "start it on a machine of the cluster, or choose another launcher"
            yield Problem("hydra/launcher", "slurm, but there is no sbatch on PATH", do)

    def _make_worker(self, jobs: int) -> Worker:
        from frostline.distributed.resources import slurm_environment

        return self.worker(slurm_environment(), ends_with_command=False)

    def _listed_ids(self, jobs: list[Any]) -> set[str]:
        """Return the ids in the queue. submitit reads Slurm's accounting, which not every cluster has."""
        queried, ids = getattr(self, "_last_query", (-self.seconds_between_queries, set()))
        if time.monotonic() - queried < self.seconds_between_queries:
            return set(ids)
        command = ["squeue", "--noheader", "--array", "--format=%i", f"--user={os.getuid()}"]
        try:
            output = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
            ids = set(output.split())
        except (OSError, subprocess.SubprocessError):  # Slurm does not answer
            ids = {job.job_id for job in jobs}
        self._last_query = (time.monotonic(), ids)
        return set(ids)

    def _cancel(self, jobs: list[Any]) -> None:
        for job in jobs:
            job.cancel(check=False)


def _value_of(job: Any) -> float | Exception:
    error = job.exception()
    if error is None:
        value: float | Exception = job.result()
        return value
    lines = [line for line in str(error).splitlines() if "Error: " in line]
    return FrostlineError(f"{lines[-1] if lines else type(error).__name__}; see {job.paths.stderr}")
