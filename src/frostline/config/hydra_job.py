"""A job as Hydra hands it over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from frostline.config import resolvers
from frostline.config.inputs import with_inputs
from frostline.types import Config


@dataclass(frozen=True)
class HydraJob:
    """One job: its resolved config, group -> choice, its overrides and its folder."""

    config: Config
    choices: dict[str, str]
    overrides: list[str]
    folder: Path


def describe(cfg: DictConfig) -> HydraJob:
    """Return the job that Hydra is about to run with the config `cfg`."""
    current = HydraConfig.get()
    config = with_inputs(cast(Config, OmegaConf.to_container(cfg, resolve=True)))
    choices = resolvers.choices(OmegaConf.create({"hydra": {"runtime": {"choices": current.runtime.choices}}}))
    overrides = [str(line) for line in current.overrides.task]
    return HydraJob(config, choices, overrides, Path(current.runtime.output_dir))


class ForgetConfigs(Callback):
    """Release the configs of a job at its end.

    Hydra would keep two configs a job, more than a megabyte, until the sweep ends. They are in the job's folder.
    """

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        job_return.cfg = job_return.hydra_cfg = None
