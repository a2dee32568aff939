"""A job as Hydra hands it over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from frostline.config import resolvers
from frostline.types import Config


@dataclass(frozen=True)
class HydraJob:
    """One job, as Hydra hands it over."""

    config: Config
    choices: dict[str, str]
    overrides: list[str]
    folder: Path


def describe(cfg: DictConfig) -> HydraJob:
    """What Hydra says of the job that it is about to do."""
    current = HydraConfig.get()
    config = cast(Config, OmegaConf.to_container(cfg, resolve=True))
    choices = resolvers.choices(OmegaConf.create({"hydra": {"runtime": {"choices": current.runtime.choices}}}))
    overrides = [str(line) for line in current.overrides.task]
    return HydraJob(config, choices, overrides, Path(current.runtime.output_dir))
