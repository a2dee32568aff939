"""Pruning: a trial of a search reports its metric after each validation and ends early if the pruner decides so."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.trainer.states import TrainerFn

from frostline.console import log
from frostline.results.search_storage import PrunableTrial


class Pruning(pl.Callback):
    """Calls the pruner on the first rank; all ranks end together.

    It is called after the callbacks that may end the run for another reason: a run that ends anyway is not pruned.

    Attributes:
        pruned: the content of pruned.json; None while it is not pruned.
    """

    def __init__(self, trial: PrunableTrial) -> None:
        self.trial = trial
        self.pruned: dict[str, Any] | None = None
        self._opened: Any = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        value = float(trainer.callback_metrics[self.trial.metric])
        prune = self._should_prune(trainer.current_epoch, value) if trainer.is_global_zero else False
        if trainer.world_size > 1:
            prune = bool(trainer.strategy.broadcast(prune))
        ends_anyway = trainer.current_epoch + 1 == trainer.max_epochs or trainer.should_stop
        if prune and not ends_anyway:
            trainer.should_stop = True
            what = f"{self.trial.metric} {value:.4f} after epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"
            self.pruned = {"what": what, "trial": self.trial.number, "search": self.trial.name}

    def _should_prune(self, epoch: int, value: float) -> bool:
        """Report the metric of an epoch and return whether the pruner stops the trial."""
        if self._opened is None:
            self._opened = self.trial.load()
        stored = self._opened.storage.get_trial(self._opened._trial_id)
        if stored.state.is_finished():  # its job was given up and has been started again elsewhere
            return False
        if epoch not in stored.intermediate_values:  # a resumed run has reported it already
            self._opened.report(value, epoch)
        return bool(self._opened.should_prune())

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.pruned and trainer.is_global_zero:
            log(f"pruned: {self.pruned['what']}")
