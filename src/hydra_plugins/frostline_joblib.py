"""The joblib launcher: jobs in worker processes of this machine.

Heavy imports are inside functions: Hydra imports this file at every start.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any, Literal

from frostline.distributed.workers import ignore_sigint
from frostline.errors import FrostlineError, Problem
from frostline.types import Count
from hydra_plugins._worker_process import RESTART_HINT, JobOverrides, Worker, WorkersLauncher


class JoblibLauncher(WorkersLauncher):
    """Run jobs in n_jobs workers, -1: as many as there are cores. Each runs one job after the other.

    When a worker is killed, joblib ends all workers. The jobs that were running are then repeated one by one, so that
    the job that gets its worker killed is identified; the others are completed.
    """

    def __init__(self, n_jobs: Count | Literal[-1] = -1) -> None:
        self.n_jobs = n_jobs

    @staticmethod
    def problems() -> Iterator[Problem]:
        """Yield what prevents the launcher from starting."""
        if find_spec("joblib") is None:
            yield Problem("hydra/launcher", "joblib is not installed", "pip install 'frostline[joblib]'")

    def run_in_workers(self, jobs: JobOverrides) -> dict[int, float | Exception]:
        from joblib import effective_n_jobs

        from frostline.console import log
        from frostline.distributed.resources import worker_environment

        workers = min(effective_n_jobs(self.n_jobs), len(jobs))
        logged = LoggedWorker(self.worker(worker_environment(workers)), str(self.sweep_folder / "started"))
        Finalize(None, _end_workers, exitpriority=1)
        values: dict[int, float | Exception] = {}
        suspects: JobOverrides = {}
        while left := {n: words for n, words in jobs.items() if n not in values and n not in suspects}:
            if _run_in_pool(logged, left, workers, values) is not None:
                running = logged.numbers() & set(left) - set(values) or set(left)
                suspects |= {n: jobs[n] for n in running}
                log(f"a worker was killed; {len(running)} jobs that were running are repeated one by one")
        for number, words in suspects.items():
            if (error := _run_in_pool(logged, {number: words}, workers, values)) is not None:
                values[number] = error
        return values


class LoggedWorker:
    """A worker that writes the number of each job that it starts to a file."""

    def __init__(self, worker: Worker, file: str) -> None:
        self.worker, self.file = worker, file

    def __call__(self, overrides: list[str], number: int) -> tuple[int, float | Exception]:
        with Path(self.file).open("a") as file:
            file.write(f"{number}\n")
        try:
            return number, self.worker(overrides, number)
        except SystemExit as end:  # after SIGTERM; joblib would end the command's process with it
            return number, FrostlineError(f"its worker was terminated (status {end.code}); {RESTART_HINT}")

    def numbers(self) -> set[int]:
        """Return the numbers of all jobs that were started."""
        file = Path(self.file)
        return set(map(int, file.read_text().split())) if file.exists() else set()


def _end_workers() -> None:
    """End idle workers, for which this process would wait at its exit."""
    from joblib.externals.loky import get_reusable_executor

    executor = get_reusable_executor(reuse=True)
    getattr(executor, "terminate", executor.shutdown)(kill_workers=True)  # terminate also deletes joblib's files


def _run_in_pool(logged: LoggedWorker, jobs: JobOverrides, workers: int, values: dict[int, Any]) -> Exception | None:
    """Run jobs and enter their values as they finish. Return the error if a worker was killed."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    settings = {"backend": "loky", "batch_size": 1, "pre_dispatch": workers, "initializer": ignore_sigint}
    pool = Parallel(max(workers, 2), return_as="generator_unordered", **settings)  # 1 would run jobs in this process
    try:
        for number, value in pool(delayed(logged)(words, number) for number, words in jobs.items()):
            values[number] = value
    except TerminatedWorkerError:
        return FrostlineError(f"its worker was killed; {RESTART_HINT}")
    return None
