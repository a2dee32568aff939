"""The loggers of a run: those that its config chooses, and its end in each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from frostline.results.folder import RunFolder
from frostline.results.identity import run_title
from frostline.training.loggers.csv_logger import CsvLogger
from frostline.training.loggers.wandb_logger import WandbRun


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
        loggers.append(WandbRun(folder.path, project, group, name, config, mode=wandb, entity=entity))
    if tensorboard:
        from lightning.pytorch.loggers import TensorBoardLogger

        loggers.append(TensorBoardLogger(folder.path, name="", version="tensorboard"))
    return loggers


def finish_complete(loggers: Sequence[Any], result: dict[str, Any], step: int) -> None:
    """Log the final metrics of a complete run."""
    metrics = result["metrics"]
    test_metrics = {name: value for name, value in metrics.items() if name.startswith("test")}
    for logger in loggers:
        if isinstance(logger, CsvLogger):
            final = test_metrics if _has_best_epoch(logger, result) else metrics
            logger.log_final(final, step, result["best"]["epoch"] or 0)
        elif isinstance(logger, WandbRun):
            finish_wandb([logger], result)
        else:
            logger.log_metrics(test_metrics, step)
            logger.finalize("success")


def _has_best_epoch(logger: CsvLogger, result: dict[str, Any]) -> bool:
    """Return whether metrics.csv has the validation metrics of the best epoch already."""
    return logger.log_curves and result["best"]["epoch"] is not None


def finish_wandb(loggers: Sequence[Any], result: dict[str, Any]) -> None:
    """Save the final values of a complete run in W&B and end its W&B run. Other loggers are left alone."""
    for logger in loggers:
        if isinstance(logger, WandbRun):
            logger.save_summary(summary(result))
            logger.finish()


def finish_pruned(loggers: Sequence[Any]) -> None:
    """End the W&B run of a pruned trial, which has no final metrics."""
    for logger in loggers:
        if isinstance(logger, WandbRun):
            logger.save_summary({"pruned": True})
            logger.finish()


def finish_failed(loggers: Sequence[Any]) -> None:
    """End the W&B run of a run that failed."""
    for logger in loggers:
        if isinstance(logger, WandbRun):
            logger.finish("failed")


def summary(result: dict[str, Any]) -> dict[str, float]:
    """Return the values of a result with flat names: test/accuracy, parameters/total, cost/seconds."""
    values = {f"{group}/{name}": value for group in ("parameters", "cost") for name, value in result[group].items()}
    if result["best"]["epoch"] is not None:
        values["best/epoch"] = result["best"]["epoch"]
    return {**result["metrics"], **values}
