"""A run that is a trial of a search reports each epoch to it, and ends when the search has seen enough."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.trainer.states import TrainerFn

from frostline.console import say
from frostline.results.search_storage import Trial


class Pruning(pl.Callback):
    """Stands after all that may end the run: an end that has come anyway is none of the search's.

    The first rank alone reports and decides; the others end with it.
    """

    def __init__(self, trial: Trial | None) -> None:
        self.trial = trial
        self.said: dict[str, Any] | None = None
        self._opened: Any = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.trial is None or trainer.state.fn != TrainerFn.FITTING:
            return
        value = float(trainer.callback_metrics[self.trial.metric])
        enough = self._reported(trainer.current_epoch, value) if trainer.is_global_zero else False
        if trainer.world_size > 1:
            enough = bool(trainer.strategy.broadcast(enough))
        last = trainer.current_epoch + 1 == trainer.max_epochs or trainer.should_stop
        if enough and not last:
            trainer.should_stop = True
            what = f"{self.trial.metric} {value:.4f} after epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"
            self.said = {"what": what, "trial": self.trial.number, "search": self.trial.name}

    def _reported(self, epoch: int, value: float) -> bool:
        """Whether the pruner has seen enough."""
        assert self.trial is not None
        if self._opened is None:
            self._opened = self.trial.opened()
        known = self._opened.storage.get_trial(self._opened._trial_id)
        if known.state.is_finished():  # a job that was given up and started again elsewhere
            return False
        if epoch not in known.intermediate_values:  # as it is in a run that was killed and goes on
            self._opened.report(value, epoch)
        return bool(self._opened.should_prune())

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.said and trainer.is_global_zero:
            say(f"pruned: {self.said['what']}")
