"""Fused runs as the rows of one table in one W&B run, for sweeps with more runs than W&B should have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from frostline.results.summary_table import Row, differing_keys, values_by_key
from frostline.sweeps.fused.task import FusableJob
from frostline.training.loggers.build import summary
from frostline.training.loggers.wandb_logger import WandbRun
from frostline.types import Config


def is_table_wanted(config: Config) -> bool:
    return bool(config["logger"].get("fused") == "table" and config["logger"].get("wandb"))


def without_wandb(config: Config) -> Config:
    """Return the config of a run without a separate W&B run, if a table is requested."""
    return config | {"logger": config["logger"] | {"wandb": None}} if is_table_wanted(config) else config


def log_table(runs: Sequence[tuple[FusableJob, dict[str, Any]]], folder: Path) -> None:
    """Log runs and their results as a table. folder: for what W&B cannot upload."""
    rows = [Row(str(job.folder.path), job.job["choices"], job.job["overrides"]) for job, _ in runs]
    keys, settings = differing_keys(rows), [values_by_key(row) for row in rows]
    summaries = [summary(result) for _, result in runs]
    names = list(dict.fromkeys(name for values in summaries for name in values))
    cells = [
        [job.folder.path.name, result["id"], *map(chosen.get, keys), *map(values.get, names)]
        for (job, result), chosen, values in zip(runs, settings, summaries, strict=True)
    ]
    lead = runs[0][0].config
    project = {key: lead["logger"][key] for key in ("project", "entity") if key in lead["logger"]}
    name = f"{len(runs)} runs by {', '.join(keys)}"
    logger = WandbRun(folder, group=lead["study"], name=name, config=lead, mode=lead["logger"]["wandb"], **project)
    logger.save_table("runs", ["run", "id", *keys, *names], cells)
    logger.save_summary({"runs/count": len(runs)})
    logger.finish()
