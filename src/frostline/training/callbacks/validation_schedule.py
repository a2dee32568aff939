"""Validation after some epochs and not after others."""

from __future__ import annotations

import lightning.pytorch as pl

from frostline.training.trainer import TrainerSettings


class ValidationSchedule(pl.Callback):
    """Tells the Trainer, which would leave out the last epoch where it is not a multiple of so many."""

    def __init__(self, settings: TrainerSettings) -> None:
        self.settings = settings

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._tell(trainer)  # a run resumed in the middle of an epoch does not begin that epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._tell(trainer)

    def _tell(self, trainer: pl.Trainer) -> None:
        epoch = trainer.current_epoch
        never = epoch + 2  # which does not divide the epochs that there have been by its end
        trainer.check_val_every_n_epoch = 1 if self.settings.validates(epoch) else never
