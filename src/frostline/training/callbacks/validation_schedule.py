"""Validation after every n-th epoch and after the last one."""

from __future__ import annotations

import lightning.pytorch as pl

from frostline.training.settings import TrainerSettings


class ValidationSchedule(pl.Callback):
    """Sets the Trainer's check_val_every_n_epoch, which alone would leave out a last epoch that n does not divide."""

    def __init__(self, settings: TrainerSettings) -> None:
        self.settings = settings

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._schedule(trainer)  # a run that resumes within an epoch does not begin that epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._schedule(trainer)

    def _schedule(self, trainer: pl.Trainer) -> None:
        epoch = trainer.current_epoch
        never = epoch + 2  # it does not divide epoch + 1, the number of epochs after this one
        trainer.check_val_every_n_epoch = 1 if self.settings.validates(epoch) else never
