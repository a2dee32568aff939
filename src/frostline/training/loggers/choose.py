"""Which loggers a run has."""

from __future__ import annotations

from typing import Any, Literal

from frostline.results.folder import RunFolder
from frostline.results.identity import title
from frostline.training.loggers.csv_logger import CsvLogger


def of_run(folder: RunFolder, config: dict[str, Any], job: dict[str, Any]) -> list[Any]:
    """As the config of the run says; job: its `id`, `choices` and `overrides`."""
    name = title(config, job["choices"], job["overrides"])
    shown = config | {"choices": job["choices"], "id": job["id"]}
    return choose(folder, config["study"], name, shown, **config["logger"])


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
    """The record always; Weights & Biases and TensorBoard as asked. fused: for runs that are trained together."""
    chosen: list[Any] = [CsvLogger(folder, curves)]
    if wandb is not None:
        from frostline.training.loggers.wandb_logger import WandbRun

        chosen.append(WandbRun(folder.path, project, group, name, config, mode=wandb, entity=entity))
    if tensorboard:
        from lightning.pytorch.loggers import TensorBoardLogger

        chosen.append(TensorBoardLogger(folder.path, name="", version="tensorboard"))
    return chosen
