"""The sweeper over a file of jobs. Heavy imports are inside functions: Hydra imports this file at every start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class ListedSweeper(Sweeper):
    """Give the jobs of a file to the launcher, all in one call."""

    def __init__(self, file: str) -> None:
        self.file = file

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hydra.core.plugins import Plugins

        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> Any:
        from frostline.config import job_list

        assert self.config is not None and self.launcher is not None
        folder = Path(str(self.config.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")
        jobs = [[*arguments, *job] for job in job_list.read_jobs(self.file)]
        return [self.launcher.launch(jobs, initial_job_idx=0)]
