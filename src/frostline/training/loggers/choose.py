"""The loggers of a run."""

from __future__ import annotations

from typing import Any, Literal

from frostline.results.folder import RunFolder
from frostline.results.identity import run_title
from frostline.training.loggers.csv_logger import CsvLogger


def make_loggers(folder: RunFolder, config: dict[str, Any], job: dict[str, Any]) -> list[Any]:
    """Return the loggers of the config; job: `id`, `choices` and `overrides` of the run."""
    name = run_title(config, job["choices"], job["overrides"])
    logged_config = config | {"choices": job["choices"], "id": job["id"]}
    return choose(folder, config["study"], name, logged_config, **config["logger"])


def choose(
    folder: RunFolder,
    group: str,
    name: str,
    config: dict[str, Any],
    wandb: Literal["auto", "online", "offline"] | None = "auto",
    tensorboard: bool = False,
    curves: bool = True,
    project: str = "frostline",
    entity: str | None = None,
    fused: Literal["runs", "table"] = "runs",
) -> list[Any]:
    """Return the logger of metrics.csv, and those of Weights & Biases and TensorBoard if the config has them.

    fused: how runs that are trained together appear in W&B; a single run does not use it.
    """
    loggers: list[Any] = [CsvLogger(folder, curves)]
    if wandb is not None:
        from frostline.training.loggers.wandb_logger import WandbRun

        loggers.append(WandbRun(folder.path, project, group, name, config, mode=wandb, entity=entity))
    if tensorboard:
        from lightning.pytorch.loggers import TensorBoardLogger

        loggers.append(TensorBoardLogger(folder.path, name="", version="tensorboard"))
    return loggers
