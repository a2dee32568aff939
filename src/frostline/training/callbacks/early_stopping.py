"""Early stopping: a run ends when its best epoch lies so many epochs back."""

from __future__ import annotations

import lightning.pytorch as pl
from lightning.pytorch.trainer.states import TrainerFn

from frostline.console import say
from frostline.training.callbacks.best_checkpoint import BestCheckpoint
from frostline.training.classifier import Classifier


class EarlyStopping(pl.Callback):
    """Stands after `Best`. Keeps nothing of its own: what it counts by is in the resume point already.

    Counts within the last phase alone, because an early end would leave out the phases that follow: a probe that has
    settled is no reason not to tune. Where training decides when phases begin, the same: before the last of them has
    begun the run goes on.
    """

    def __init__(self, best: BestCheckpoint, epochs: int | None) -> None:
        self.best, self.epochs = best, epochs
        self.stopped = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.epochs is None or trainer.state.fn != TrainerFn.FITTING:
            return
        assert isinstance(pl_module, Classifier)
        if self._waited(pl_module) >= self.epochs:
            trainer.should_stop = self.stopped = True

    def _waited(self, model: Classifier) -> int:
        """Epochs of the last phase since the best one, or since the phase began where the best came before."""
        if model.engine.index < len(model.engine.plan.phases) - 1:
            return 0
        assert self.best.epoch is not None
        return model.current_epoch - max(self.best.epoch, model.course.began[0] - 1)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.stopped and trainer.is_global_zero:
            say(f"stopped: {self.best.monitor} has not improved for {self.epochs} epochs")
