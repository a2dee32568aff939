"""Jobs in worker processes of this machine, by joblib. Thin: Hydra reads it at every start."""

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
    """n_jobs workers, -1: as many as cores; each does one job after the other.

    When a worker is killed joblib ends all the others with it. What they were at is then done once more, each job by
    itself, so that the one that is killed again is known; all else goes on.
    """

    def __init__(self, n_jobs: Count | Literal[-1] = -1) -> None:
        self.n_jobs = n_jobs

    @staticmethod
    def problems() -> Iterator[Problem]:
        """What keeps it from starting here."""
        if find_spec("joblib") is None:
            yield Problem("hydra/launcher", "joblib is not installed", "pip install 'frostline[joblib]'")

    def work(self, calls: JobOverrides) -> dict[int, float | Exception]:
        from joblib import effective_n_jobs

        from frostline.console import log
        from frostline.distributed import resources as share

        workers = min(effective_n_jobs(self.n_jobs), len(calls))
        begun = LoggedWorker(self.worker(share.worker_environment(workers)), str(self.place / "begun"))
        Finalize(None, _end_workers, exitpriority=1)
        values: dict[int, float | Exception] = {}
        suspects: JobOverrides = {}
        while left := {n: words for n, words in calls.items() if n not in values and n not in suspects}:
            if _do(begun, left, workers, values) is not None:
                under_way = begun.numbers() & set(left) - set(values) or set(left)
                suspects |= {n: calls[n] for n in under_way}
                log(f"a worker was killed; {len(under_way)} jobs that were under way are done again, each by itself")
        for number, words in suspects.items():
            if (killed := _do(begun, {number: words}, workers, values)) is not None:
                values[number] = killed
        return values


class LoggedWorker:
    """A worker that notes the numbers of the jobs it begins."""

    def __init__(self, worker: Worker, file: str) -> None:
        self.worker, self.file = worker, file

    def __call__(self, overrides: list[str], number: int) -> tuple[int, float | Exception]:
        with Path(self.file).open("a") as file:
            file.write(f"{number}\n")
        try:
            return number, self.worker(overrides, number)
        except SystemExit as end:  # SIGTERM, which joblib would pass on to the process that was asked for the sweep
            return number, FrostlineError(f"its worker was told to end (status {end.code}); {RESTART_HINT}")

    def numbers(self) -> set[int]:
        file = Path(self.file)
        return set(map(int, file.read_text().split())) if file.exists() else set()


def _end_workers() -> None:
    """They wait for more, and this process would wait for them."""
    from joblib.externals.loky import get_reusable_executor

    workers = get_reusable_executor(reuse=True)
    getattr(workers, "terminate", workers.shutdown)(kill_workers=True)  # joblib's own clears its files away too


def _do(begun: LoggedWorker, calls: JobOverrides, workers: int, values: dict[int, Any]) -> Exception | None:
    """Fill in the values of jobs as they end; why that stopped, if it did."""
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    settings = {"backend": "loky", "batch_size": 1, "pre_dispatch": workers, "initializer": ignore_sigint}
    pool = Parallel(max(workers, 2), return_as="generator_unordered", **settings)  # one would be this process
    try:
        for number, value in pool(delayed(begun)(words, number) for number, words in calls.items()):
            values[number] = value
    except TerminatedWorkerError:
        return FrostlineError(f"its worker was killed; {RESTART_HINT}")
    return None
