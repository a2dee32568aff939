"""Runs that were trained together as the rows of one table in one W&B run: a run each may be more than W&B takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from frostline.results.summary_table import Row, differing, given
from frostline.sweeps.fused.task import Task
from frostline.training.loggers.finish import summary
from frostline.training.loggers.wandb_logger import WandbRun
from frostline.types import Config


def wanted(config: Config) -> bool:
    return bool(config["logger"].get("fused") == "table" and config["logger"].get("wandb"))


def less_wandb(config: Config) -> Config:
    """The config of a run that has no W&B run of its own, where a table is wanted."""
    return config | {"logger": config["logger"] | {"wandb": None}} if wanted(config) else config


def tell(runs: Sequence[tuple[Task, dict[str, Any]]], folder: Path) -> None:
    """Runs with their results. folder: where W&B keeps what it cannot upload."""
    rows = [Row(str(task.place.path), task.job["choices"], task.job["overrides"]) for task, _ in runs]
    keys, told = differing(rows), [given(row) for row in rows]
    numbers = [summary(result) for _, result in runs]
    names = list(dict.fromkeys(name for own in numbers for name in own))
    cells = [
        [task.place.path.name, result["id"], *map(said.get, keys), *map(own.get, names)]
        for (task, result), said, own in zip(runs, told, numbers, strict=True)
    ]
    lead = runs[0][0].config
    place = {key: lead["logger"][key] for key in ("project", "entity") if key in lead["logger"]}
    name = f"{len(runs)} runs by {', '.join(keys)}"
    logger = WandbRun(folder, group=lead["study"], name=name, config=lead, mode=lead["logger"]["wandb"], **place)
    logger.save_table("runs", ["run", "id", *keys, *names], cells)
    logger.save_summary({"runs/count": len(runs)})
    logger.finish()
