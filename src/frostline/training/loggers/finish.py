"""How a run ends in each of its loggers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from frostline.training.loggers.csv_logger import CsvLogger
from frostline.training.loggers.wandb_logger import WandbRun


def conclude(loggers: Sequence[Any], result: dict[str, Any], step: int) -> None:
    """The final metrics, to each logger in its own way."""
    scores = result["metrics"]
    tested = {name: value for name, value in scores.items() if name.startswith("test")}
    for logger in loggers:
        if isinstance(logger, CsvLogger):
            logger.conclude(scores if _drew_no_curve(logger, result) else tested, step, result["best"]["epoch"] or 0)
        elif isinstance(logger, WandbRun):
            tell([logger], result)
        else:
            logger.log_metrics(tested, step)
            logger.finalize("success")


def _drew_no_curve(record: CsvLogger, result: dict[str, Any]) -> bool:
    """Whether the validation scores of the best epoch are not among those of all epochs, in the same file."""
    return not record.keep_curves or result["best"]["epoch"] is None


def tell(loggers: Sequence[Any], result: dict[str, Any]) -> None:
    """The final numbers, to W&B alone, and the end of its run."""
    for logger in loggers:
        if isinstance(logger, WandbRun):
            logger.save_summary(summary(result))
            logger.finish()


def leave(loggers: Sequence[Any]) -> None:
    """A run that is given up halfway, and has no final metrics."""
    for logger in loggers:
        if isinstance(logger, WandbRun):
            logger.save_summary({"pruned": True})
            logger.finish()


def fail(loggers: Sequence[Any]) -> None:
    """A run that ends too early."""
    for logger in loggers:
        if isinstance(logger, WandbRun):
            logger.finish("failed")


def summary(result: dict[str, Any]) -> dict[str, float]:
    """The numbers of a result, flat: test/accuracy, parameters/total, cost/seconds."""
    parts = {f"{part}/{name}": value for part in ("parameters", "cost") for name, value in result[part].items()}
    if result["best"]["epoch"] is not None:
        parts["best/epoch"] = result["best"]["epoch"]
    return {**result["metrics"], **parts}
