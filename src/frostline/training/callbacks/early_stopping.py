"""Early stopping: a run ends when its best epoch is too far back."""

from __future__ import annotations

import lightning.pytorch as pl
from lightning.pytorch.trainer.states import TrainerFn

from frostline.console import log
from frostline.training.callbacks.best_checkpoint import BestCheckpoint
from frostline.training.classifier import Classifier


class EarlyStopping(pl.Callback):
    """Stops after `patience` epochs of the last phase without a better one.

    It is called after `BestCheckpoint`, whose best epoch it reads, and has no state to be saved. Only epochs of the
    last phase count, because an earlier end would leave out the phases that follow. With an adaptive strategy, too,
    the run continues until its last phase has begun.
    """

    def __init__(self, best: BestCheckpoint, patience: int) -> None:
        self.best, self.patience = best, patience
        self.stopped = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            return
        assert isinstance(pl_module, Classifier)
        if self._epochs_without_improvement(pl_module) >= self.patience:
            trainer.should_stop = self.stopped = True

    def _epochs_without_improvement(self, classifier: Classifier) -> int:
        """Return the epochs since the best one, or since the last phase began if the best one was before it."""
        if classifier.engine.index < len(classifier.engine.plan.phases) - 1:
            return 0
        phase_start, _ = classifier.tracker.start
        best = -1 if self.best.epoch is None else self.best.epoch
        return classifier.current_epoch - max(best, phase_start - 1)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.stopped and trainer.is_global_zero:
            log(f"stopped: {self.best.monitor} has not improved for {self.patience} epochs")
