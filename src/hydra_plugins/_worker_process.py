"""One job in a process of its own, as joblib and submitit take it there. Thin: Hydra reads it at every start."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, env_override, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from frostline.distributed import workers
from frostline.errors import FrostlineError
from hydra_plugins._launcher import job_config

RESTART_HINT = "start the same command again, it goes on from its last checkpoint"

JobOverrides = dict[int, list[str]]  # number of a job -> its overrides


@dataclass
class Worker:
    """A job's overrides and number to its value.

    folder: that the command was given in; share: what the worker is told of its part of the machine; leader: the file
    by which the command's process is known, where the job ends with it.
    """

    hydra_context: HydraContext
    task_function: TaskFunction
    config: DictConfig
    state: Mapping[Any, Any]
    folder: str
    share: Mapping[str, str]
    leader: str | None = None

    def __call__(self, overrides: list[str], number: int) -> float | Exception:
        workers.ignore_sigint()
        if self.leader:
            workers.exit_with_leader(self.leader)
        from frostline.config import resolvers

        os.chdir(self.folder)
        os.environ.update(self.share)
        resolvers.forget_reruns()
        setup_globals()
        Singleton.set_state(dict(self.state))
        done = run_hydra_job(self.hydra_context, self.task_function, self.config, overrides, number)
        try:
            return float(done.return_value)
        except Exception as error:  # before the job itself, which raises nothing
            traceback.print_exception(error)
            return FrostlineError(f"{type(error).__name__}: {error}")

    def checkpoint(self, overrides: list[str], number: int) -> Any:
        """What submitit hands in again for a job that is out of time or preempted: the same, which goes on."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, overrides, number)


class WorkersLauncher(Launcher):
    """What launchers have in common whose jobs are done in processes of their own."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    @property
    def place(self) -> Path:
        """The sweep's own folder."""
        place = Path(str(self.config.hydra.sweep.dir)).absolute()
        place.mkdir(parents=True, exist_ok=True)
        return place

    def worker(self, share: Mapping[str, str], lead: bool = True) -> Worker:
        """share: what it is told of its part of the machine; lead: whether it ends when this process does."""
        leader = workers.hold_leader_lock(self.place / "leader") if lead else None
        state, folder = Singleton.get_state(), str(Path.cwd())
        return Worker(self.hydra_context, self.task_function, self.config, state, folder, share, leader)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """What is complete already needs no worker; a job of which its worker tells nothing is entered as failed."""
        setup_globals()
        calls = {initial_job_idx + i: list(overrides) for i, overrides in enumerate(job_overrides)}
        done = {n: self._here(words, n) for n, words in calls.items() if self._is_complete(words, n)}
        left = {n: words for n, words in calls.items() if n not in done}
        values = self.work(left) if left else {}
        for number, value in values.items():
            done[number] = self._lost(calls[number], number, value) if isinstance(value, Exception) else value
        return [JobReturn(_return_value=done[number], status=JobStatus.COMPLETED) for number in calls]

    def work(self, calls: JobOverrides) -> dict[int, float | Exception]:
        """The jobs' values, or why they came to nothing."""
        raise NotImplementedError

    def _is_complete(self, overrides: list[str], number: int) -> bool:
        from frostline.config.hydra_job import describe

        folder = run_hydra_job(self.hydra_context, describe, self.config, overrides, number).return_value.folder
        return bool((folder / "result.json").exists())

    def _here(self, overrides: list[str], number: int) -> float:
        return float(run_hydra_job(self.hydra_context, self.task_function, self.config, overrides, number).return_value)

    def _lost(self, overrides: list[str], number: int, why: Exception) -> float:
        from frostline.config.hydra_job import describe
        from frostline.sweeps.execute import record_lost_job

        job = run_hydra_job(self.hydra_context, describe, self.config, overrides, number)
        with env_override(dict(self.config.hydra.job.env_set)):
            return record_lost_job(job.return_value, why)


def run_hydra_job(
    context: HydraContext, function: Any, config: DictConfig, overrides: list[str], number: int
) -> JobReturn:
    """Hydra's own way to do a job of a sweep."""
    from frostline.config.jobs import is_main_process

    own = job_config(context, config, overrides, number)
    if not is_main_process():  # of several ranks the first writes for all
        with open_dict(own):
            own.hydra.output_subdir = None
    return run_job(
        hydra_context=context,
        task_function=function,
        config=own,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
