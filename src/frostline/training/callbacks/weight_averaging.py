"""Averaged weights beside those that training moves: they are validated and kept, training goes on without them."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from frostline.training.averaging.base import Averaging
from frostline.training.classifier import Classifier


class WeightAveraging(pl.Callback):
    """Puts the average in place while the model is validated, through the callbacks that stand before this one.

    Resume points hold the average; callbacks that write them stand after this one. Until the first weights have been
    taken the average is the model itself.
    """

    def __init__(self, averaging: Averaging) -> None:
        self.averaging = averaging
        self.averaged: dict[str, Tensor] = {}
        self.count = 0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if not pl_module.completes_step(batch_idx):
            return
        progress = trainer.global_step / (pl_module.steps_an_epoch * int(trainer.max_epochs or 0))
        if self.averaging.takes(progress, trainer.fit_loop.epoch_loop.batch_progress.is_last_batch):
            self._take(_learning(pl_module))

    def _take(self, now: dict[str, Tensor]) -> None:
        if self.count == 0:
            self.averaged = {name: value.clone() for name, value in now.items()}
        else:
            averaged = [self._of(name, value) for name, value in now.items()]
            self.averaging.average(averaged, list(now.values()), self.count)
        self.count += 1

    def _of(self, name: str, value: Tensor) -> Tensor:
        """The average of one, where the model is: it comes from a file when a run goes on."""
        self.averaged[name] = self.averaged[name].to(value.device)
        return self.averaged[name]

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn == TrainerFn.FITTING and self.count:
            self._exchange(pl_module, standing=trainer.global_step)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn == TrainerFn.FITTING and self.count:
            self._exchange(pl_module, standing=0)

    @torch.no_grad()
    def _exchange(self, model: Any, standing: int) -> None:
        for name, value in _learning(model).items():
            own = value.clone()
            value.copy_(self._of(name, value))
            self.averaged[name] = own
        model.standing = standing

    def state_dict(self) -> dict[str, Any]:
        return {"averaged": self.averaged, "count": self.count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.averaged, self.count = state_dict["averaged"], state_dict["count"]


def _learning(model: Classifier) -> dict[str, Tensor]:
    plan = model.engine.plan
    return {name: p.detach() for name, p in model.engine.parameters.items() if plan.ever_learns(name)}
