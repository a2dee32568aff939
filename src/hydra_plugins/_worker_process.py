"""Jobs in worker processes, for joblib and submitit.

Heavy imports are inside functions: Hydra imports this file at every start.
"""

from __future__ import annotations

import os
import sys
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

RESTART_HINT = "start the same command again, it continues from its last checkpoint"
# Python would put the working folder before its standard library in processes that are started with `python -m`.
WITHOUT_WORKING_FOLDER = {"PYTHONSAFEPATH": "1"}

JobOverrides = dict[int, list[str]]  # by the number of the job


@dataclass
class Worker:
    """A function from the overrides and the number of a job to its value, which runs in another process.

    folder: the working folder of the command. resources: environment variables that give the worker its part of the
    machine. import_path: the folders from which the command imports. leader: the file that the command's process has
    locked, where the worker has to end with it.
    """

    hydra_context: HydraContext
    task_function: TaskFunction
    config: DictConfig
    state: Mapping[Any, Any]
    folder: str
    resources: Mapping[str, str]
    import_path: Sequence[str]
    leader: str | None = None

    def __call__(self, overrides: list[str], number: int) -> float | Exception:
        workers.ignore_sigint()
        if self.leader:
            workers.exit_with_leader(self.leader)
        from frostline.config import resolvers

        sys.path += [entry for entry in self.import_path if entry not in sys.path]
        os.chdir(self.folder)
        os.environ.update(self.resources)
        resolvers.forget_reruns()
        setup_globals()
        Singleton.set_state(dict(self.state))
        job = run_hydra_job(self.hydra_context, self.task_function, self.config, overrides, number)
        try:
            return float(job.return_value)
        except Exception as error:  # in Hydra, before the job has started; the job itself raises nothing
            traceback.print_exception(error)
            return FrostlineError(f"{type(error).__name__}: {error}")

    def checkpoint(self, overrides: list[str], number: int) -> Any:
        """Return what submitit submits again after a timeout or preemption: the same job, which continues."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, overrides, number)


class WorkersLauncher(Launcher):
    """The base of launchers that run jobs in worker processes."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    @property
    def sweep_folder(self) -> Path:
        folder = Path(str(self.config.hydra.sweep.dir)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def worker(self, resources: Mapping[str, str], ends_with_command: bool = True) -> Worker:
        """Return the function that a worker process calls. resources: see `Worker`."""
        leader = workers.hold_leader_lock(self.sweep_folder / "leader") if ends_with_command else None
        state, folder = Singleton.get_state(), str(Path.cwd())
        path = list(filter(None, sys.path))
        return Worker(self.hydra_context, self.task_function, self.config, state, folder, resources, path, leader)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run jobs in workers, and complete ones here. A job whose worker gives no answer is recorded as failed."""
        setup_globals()
        jobs = {initial_job_idx + i: list(overrides) for i, overrides in enumerate(job_overrides)}
        values = {n: self._run_here(overrides, n) for n, overrides in jobs.items() if self._is_complete(overrides, n)}
        left = {n: overrides for n, overrides in jobs.items() if n not in values}
        with env_override(WITHOUT_WORKING_FOLDER):
            answers = self.run_in_workers(left) if left else {}
        for number, answer in answers.items():
            values[number] = (
                self._record_lost(jobs[number], number, answer) if isinstance(answer, Exception) else answer
            )
        return [JobReturn(_return_value=values[number], status=JobStatus.COMPLETED) for number in jobs]

    def run_in_workers(self, jobs: JobOverrides) -> dict[int, float | Exception]:
        """Return the value of each job, or the reason why it has none."""
        raise NotImplementedError

    def _is_complete(self, overrides: list[str], number: int) -> bool:
        from frostline.config.hydra_job import describe

        folder = run_hydra_job(self.hydra_context, describe, self.config, overrides, number).return_value.folder
        return bool((folder / "result.json").exists())

    def _run_here(self, overrides: list[str], number: int) -> float:
        job = run_hydra_job(self.hydra_context, self.task_function, self.config, overrides, number)
        return float(job.return_value)

    def _record_lost(self, overrides: list[str], number: int, reason: Exception) -> float:
        from frostline.config.hydra_job import describe
        from frostline.sweeps.execute import record_lost_job

        job = run_hydra_job(self.hydra_context, describe, self.config, overrides, number)
        with env_override(dict(self.config.hydra.job.env_set)):
            return record_lost_job(job.return_value, reason)


def run_hydra_job(
    context: HydraContext, function: Any, config: DictConfig, overrides: list[str], number: int
) -> JobReturn:
    """Call a function with the config of one job, as Hydra does. Only the first rank writes Hydra's folder."""
    from frostline.distributed.ranks import is_main_process

    composed = job_config(context, config, overrides, number)
    if not is_main_process():
        with open_dict(composed):
            composed.hydra.output_subdir = None
    return run_job(
        hydra_context=context,
        task_function=function,
        config=composed,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )
