"""The base of launchers that get all jobs of a sweep described. Hydra finds no plugins in files with an underscore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


class DescribedJobsLauncher(Launcher):
    """Let Hydra set up each job as it does for a single run, and leave its execution to the subclass."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def prepare(self, job_overrides: Sequence[Sequence[str]], first: int) -> list[JobReturn]:
        """Return Hydra's jobs, numbered from `first`. The value of each is its description (`HydraJob`)."""
        from frostline.config.hydra_job import describe

        setup_globals()
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        return [
            run_job(
                hydra_context=self.hydra_context,
                task_function=describe,
                config=job_config(self.hydra_context, self.config, overrides, first + i),
                job_dir_key="hydra.sweep.dir",
                job_subdir_key="hydra.sweep.subdir",
            )
            for i, overrides in enumerate(job_overrides)
        ]

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that a job gets from the config."""
        return {str(name): str(value) for name, value in self.config.hydra.job.env_set.items()}


def job_config(context: HydraContext, sweep: DictConfig, overrides: Sequence[str], number: int) -> DictConfig:
    """Return the config of one job from the config of its sweep."""
    config = context.config_loader.load_sweep_config(sweep, list(overrides))
    with open_dict(config):
        config.hydra.job.id = config.hydra.job.num = number
    return config


def set_values(jobs: list[JobReturn], values: Sequence[float]) -> list[JobReturn]:
    """Return jobs as completed, with the values that a sweeper optimises."""
    for job, value in zip(jobs, values, strict=True):
        job.return_value, job.status = value, JobStatus.COMPLETED
    return jobs
