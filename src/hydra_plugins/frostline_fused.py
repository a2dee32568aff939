"""Where Hydra looks for launchers; it reads this file at every start, so that all else is imported in use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus, env_override, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


class FusedLauncher(Launcher):
    """Hydra prepares each job as it does for a run by itself; then all are done together."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from frostline.jobs import describe, together

        setup_globals()
        Path(str(self.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        prepared = [
            run_job(
                hydra_context=self.hydra_context,
                task_function=describe,
                config=self._config(list(overrides), initial_job_idx + i),
                job_dir_key="hydra.sweep.dir",
                job_subdir_key="hydra.sweep.subdir",
            )
            for i, overrides in enumerate(job_overrides)
        ]
        described = [job.return_value for job in prepared]
        with env_override(dict(self.config.hydra.job.env_set)):
            for job, value in zip(prepared, together(described), strict=True):
                job.return_value, job.status = value, JobStatus.COMPLETED
        return prepared

    def _config(self, overrides: list[str], number: int) -> DictConfig:
        config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        return config
