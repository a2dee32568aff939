"""Jobs handed to submitit: processes of this machine, or Slurm. Thin: Hydra reads it at every start."""

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

SECONDS_BETWEEN_LOOKS = 0.5


class SubmititLauncher(WorkersLauncher):
    """What there is for both. parameters: submitit's own, as its documentation has them."""

    cluster = ""
    patience = 0.0  # seconds from when a job is seen to be gone until it is given up

    def __init__(self, submitit_folder: str, **parameters: Any) -> None:
        plain = {k: OmegaConf.to_container(v) if OmegaConf.is_config(v) else v for k, v in parameters.items()}
        self.folder, self.parameters = submitit_folder, plain

    @staticmethod
    def problems() -> Iterator[Problem]:
        """What keeps it from starting here."""
        if find_spec("submitit") is None:
            yield Problem("hydra/launcher", "submitit is not installed", "pip install 'frostline[submitit]'")

    def work(self, calls: JobOverrides) -> dict[int, float | Exception]:
        from frostline.console import log

        worker = self._worker(len(calls))
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which what is started here keeps
        try:
            jobs = self._executor().map_array(worker, calls.values(), calls)
        finally:
            signal.signal(signal.SIGINT, before)
        log(f"jobs by submitit: {len(jobs)} on {self.cluster}; what they say is in {jobs[0].paths.folder.parent}")
        return dict(zip(calls, self._values(jobs), strict=True))

    def _worker(self, jobs: int) -> Worker:
        raise NotImplementedError

    def _executor(self) -> Any:
        from submitit import AutoExecutor

        own = {f"{self.cluster}_{k}": v for k, v in self.parameters.items() if k in ("max_num_timeout", "python")}
        executor = AutoExecutor(folder=self.folder, cluster=self.cluster, **own)
        rest = {k: v for k, v in self.parameters.items() if k not in ("max_num_timeout", "python")}
        common = AutoExecutor._typed_parameters()
        executor.update_parameters(**{k if k in common else f"{self.cluster}_{k}": v for k, v in rest.items()})
        return executor

    def _values(self, jobs: list[Any]) -> list[float | Exception]:
        """What the jobs have come to, or why they have come to nothing."""
        values: dict[str, float | Exception] = {}
        gone: dict[str, float] = {}  # since when
        try:
            while waiting := [job for job in jobs if job.job_id not in values]:
                there, now = self._there(waiting), time.monotonic()
                for job in waiting:
                    since = now if job.job_id in there else gone.setdefault(job.job_id, now)
                    if job.task(0).paths.result_pickle.exists():
                        values[job.job_id] = _value(job.task(0))
                    elif job.job_id in there:
                        gone.pop(job.job_id, None)
                    elif now - since >= self.patience:
                        values[job.job_id] = FrostlineError(f"its process is gone (job {job.job_id}); {RESTART_HINT}")
                time.sleep(SECONDS_BETWEEN_LOOKS)
        except KeyboardInterrupt:
            self._end([job for job in jobs if job.job_id not in values])
            raise
        return [values[job.job_id] for job in jobs]

    def _there(self, jobs: list[Any]) -> set[str]:
        """The ids of those that wait or run."""
        raise NotImplementedError

    def _end(self, jobs: list[Any]) -> None:
        """All at once."""


class LocalLauncher(SubmititLauncher):
    """All jobs of the sweep at once, each a process of this machine."""

    cluster = "local"

    def _worker(self, jobs: int) -> Worker:
        from frostline.distributed import resources as share

        return self.worker(share.worker_environment(jobs))

    def _there(self, jobs: list[Any]) -> set[str]:
        return {job.job_id for job in jobs if not job.done()}


class SlurmLauncher(SubmititLauncher):
    """Jobs in a cluster's queue; they go on when this process ends, unless by Ctrl-C twice."""

    cluster, patience = "slurm", 60.0
    seconds_between_looks = 10.0  # at the queue; the results are files

    @staticmethod
    def problems() -> Iterator[Problem]:
        yield from SubmititLauncher.problems()
        if shutil.which("sbatch") is None:
            do = "start it on a machine of the cluster, or choose another launcher"
            yield Problem("hydra/launcher", "slurm, but there is no sbatch on PATH", do)

    def _worker(self, jobs: int) -> Worker:
        from frostline.distributed import resources as share

        return self.worker(share.slurm_environment(), lead=False)

    def _there(self, jobs: list[Any]) -> set[str]:
        """Slurm's accounting, which submitit asks, is not on every cluster; its queue is."""
        looked, found = getattr(self, "_looked", (-self.seconds_between_looks, set()))
        if time.monotonic() - looked < self.seconds_between_looks:
            return set(found)
        words = ["squeue", "--noheader", "--array", "--format=%i", f"--user={os.getuid()}"]
        try:
            found = set(subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout.split())
        except (OSError, subprocess.SubprocessError):  # Slurm does not answer now
            found = {job.job_id for job in jobs}
        self._looked = (time.monotonic(), found)
        return set(found)

    def _end(self, jobs: list[Any]) -> None:
        for job in jobs:
            job.cancel(check=False)


def _value(job: Any) -> float | Exception:
    error = job.exception()
    if error is None:
        value: float | Exception = job.result()
        return value
    lines = [line for line in str(error).splitlines() if "Error: " in line]
    return FrostlineError(f"{lines[-1] if lines else type(error).__name__}; see {job.paths.stderr}")
