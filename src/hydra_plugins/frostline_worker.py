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

from frostline import workers
from frostline.errors import FrostlineError

AGAIN = "start the same command again, it goes on from its last checkpoint"


@dataclass
class Worker:
    """A job's overrides and number to its value.

    folder: that the command was given in; leader: the file by which its process is known, where the job ends with it.
    """

    hydra_context: HydraContext
    task_function: TaskFunction
    config: DictConfig
    state: Mapping[Any, Any]
    folder: str
    leader: str | None = None

    def __call__(self, overrides: list[str], number: int) -> float | Exception:
        workers.deaf()
        if self.leader:
            workers.follow(self.leader)
        from frostline.compose import resolvers

        os.chdir(self.folder)
        resolvers.forget()
        setup_globals()
        Singleton.set_state(dict(self.state))
        done = run(self.hydra_context, self.task_function, self.config, overrides, number)
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
        """share: what a worker is told of its part of the machine; lead: whether it ends when this process does."""
        setup_globals()
        with open_dict(self.config):
            self.config.hydra.job.env_set.update(share)
        leader = workers.lead(self.place / "leader") if lead else None
        state, folder = Singleton.get_state(), str(Path.cwd())
        return Worker(self.hydra_context, self.task_function, self.config, state, folder, leader)

    def ended(self, values: Sequence[float | Exception], overrides: Sequence[Sequence[str]], first: int) -> list[Any]:
        """As Hydra wants it. A job of which its worker has told nothing is entered as failed."""
        return [
            self._lost(list(overrides[i]), first + i, value) if isinstance(value, Exception) else _returned(value)
            for i, value in enumerate(values)
        ]

    def _lost(self, overrides: list[str], number: int, why: Exception) -> JobReturn:
        from frostline.jobs import describe, lost

        job = run(self.hydra_context, describe, self.config, overrides, number)
        with env_override(dict(self.config.hydra.job.env_set)):
            return _returned(lost(job.return_value, why))


def run(context: HydraContext, function: Any, config: DictConfig, overrides: list[str], number: int) -> JobReturn:
    """Hydra's own way to do a job of a sweep."""
    from frostline.compose.command import is_main_process

    own = context.config_loader.load_sweep_config(config, overrides)
    with open_dict(own):
        own.hydra.job.id = own.hydra.job.num = number
        if not is_main_process():  # of several ranks the first writes for all
            own.hydra.output_subdir = None
    return run_job(
        hydra_context=context,
        task_function=function,
        config=own,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )


def _returned(value: float) -> JobReturn:
    return JobReturn(_return_value=value, status=JobStatus.COMPLETED)
