"""Trains with the Trainer, and evaluates the weights of the best epoch on all splits."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch.distributed as dist
from lightning.pytorch.utilities.exceptions import SIGTERMException

from frostline.console import log
from frostline.errors import FrostlineError
from frostline.results.metric_names import not_finite
from frostline.training.build import Built
from frostline.training.callbacks.best_checkpoint import BestCheckpoint
from frostline.training.data_module import DataModule
from frostline.training.interpolation import Interpolation
from frostline.training.trainer import nondeterministic_operation


def fit(trainer: Any, built: Built, data: DataModule, best: BestCheckpoint, resume: Path | None = None) -> None:
    """Train, from the checkpoint `resume` if there is one, and load the weights of the best epoch.

    A collective call. If nothing is trained by gradient descent, it does nothing.

    Raises:
        UserError: an operation has no deterministic version on the GPU.
        SystemExit: the process received SIGTERM; by itself Lightning would return as if the run were complete.
    """
    if not built.trains:
        return
    if trainer.is_global_zero and (partners := data.describe_partners()) is not None:
        log(partners)
    try:
        trainer.fit(built.classifier, datamodule=data, ckpt_path=resume, weights_only=True)
    except SIGTERMException:
        raise SystemExit(128 + signal.SIGTERM) from None
    except RuntimeError as error:
        if (problem := nondeterministic_operation(error)) is not None:
            raise problem from error
        raise
    _load_best(trainer, built, best)


def _load_best(trainer: Any, built: Built, best: BestCheckpoint) -> None:
    """Load the weights of the best epoch on all ranks and enter its phase."""
    epoch = best.best_epoch()
    weights = best.weights() if trainer.is_global_zero else None
    classifier = built.classifier
    classifier.checkpoint_state.restore(trainer.strategy.broadcast(weights))
    classifier.engine.enter(classifier.tracker.phase_index(epoch))


def evaluate(trainer: Any, built: Built, data: DataModule, best: BestCheckpoint) -> dict[str, float]:
    """Return the validation metrics of the best epoch and the metrics of all test sets, the same on all ranks.

    Raises:
        FrostlineError: a metric is nan or infinite.
    """
    if built.interpolation is not None and built.trains:
        _interpolate(trainer, built, data, best, built.interpolation)
    metrics = dict(best.values or evaluate_split(trainer, built, data, "val"))
    if built.corpus.multi_label:
        evaluate_split(trainer, built, data, "val")  # chooses the thresholds for the weights of the best epoch
    for split in built.test_splits:  # the in-domain test set is the last, so that its confusion matrix is recorded
        metrics |= evaluate_split(trainer, built, data, split)
    check_finite(metrics)
    return metrics


def check_finite(metrics: Mapping[str, float]) -> None:
    """Raise FrostlineError if a metric is nan or infinite: such a run has no result."""
    if wrong := not_finite(metrics):
        name, value = next(iter(wrong.items()))
        what = f"{name} is {value}, because the outputs of the model are not finite"
        raise FrostlineError(f"metrics: {what}; lower optimizer.lr, or give trainer.precision=32-true")


def _interpolate(
    trainer: Any, built: Built, data: DataModule, best: BestCheckpoint, interpolation: Interpolation
) -> None:
    """Score all mixtures on all splits, and leave the selected one in the model."""

    def evaluate_all() -> dict[str, float]:
        splits = ("val", *built.test_splits)
        return {k: v for split in splits for k, v in evaluate_split(trainer, built, data, split).items()}

    interpolation.score_mixtures(evaluate_all, best.monitor)
    best.values = interpolation.validation_metrics
    log(f"wise_ft: alpha {interpolation.selected['alpha']:g} is selected")


def evaluate_split(trainer: Any, built: Built, data: DataModule, split: str) -> dict[str, float]:
    """Return the metrics of one split with the present weights. A collective call."""
    built.classifier.test_split = split
    loop = trainer.validate if split == "val" else trainer.test
    with contextlib.redirect_stdout(None):
        loop(built.classifier, datamodule=data, verbose=False)
    return {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith(f"{split}/")}


def save_final_weights(trainer: Any, built: Built, best: BestCheckpoint) -> None:
    """Save interpolated weights, or those of a run without epochs. A collective call."""
    weights = built.classifier.checkpoint_state.weights()
    if not trainer.is_global_zero:
        return
    if built.interpolation is not None and built.trains:
        best.save_interpolated(weights)
    elif not best.folder.best.exists():
        best.save(weights)


def leave_process_group(trainer: Any) -> None:
    """Wait until the record is complete, then leave the process group on all ranks."""
    if dist.is_available() and dist.is_initialized():
        trainer.strategy.barrier("record")
        dist.destroy_process_group()
