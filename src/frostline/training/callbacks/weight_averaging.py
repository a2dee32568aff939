"""Averaged weights: they are validated and saved, while training continues with the trained weights."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from frostline.training.averaging.base import Averaging
from frostline.training.classifier import Classifier


class WeightAveraging(pl.Callback):
    """Puts the average into the model for each validation, and the trained weights back afterwards.

    It is called after `BestCheckpoint`, which saves the average, and before `ResumeCheckpoint`, which saves the trained
    weights and the average. Until the first weights are averaged, those of the model are validated.
    """

    def __init__(self, averaging: Averaging) -> None:
        self.averaging = averaging
        self.averaged: dict[str, Tensor] = {}
        self.count = 0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if not pl_module.completes_step(batch_idx):
            return
        progress = trainer.global_step / (pl_module.steps_per_epoch * int(trainer.max_epochs or 0))
        if self.averaging.takes(progress, trainer.fit_loop.epoch_loop.batch_progress.is_last_batch):
            self._add(trainable_parameters(pl_module))

    def _add(self, weights: dict[str, Tensor]) -> None:
        """Include `weights` in the average."""
        if self.count == 0:
            self.averaged = {name: value.clone() for name, value in weights.items()}
        else:
            averaged = [self._averaged(name, value.device) for name, value in weights.items()]
            self.averaging.average(averaged, list(weights.values()), self.count)
        self.count += 1

    def _averaged(self, name: str, device: torch.device) -> Tensor:
        """Return the average of a parameter on the model's device; in a resumed run it was loaded from a file."""
        self.averaged[name] = self.averaged[name].to(device)
        return self.averaged[name]

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn == TrainerFn.FITTING and self.count:
            self._exchange(pl_module, weights_id=trainer.global_step)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.state.fn == TrainerFn.FITTING and self.count:
            self._exchange(pl_module, weights_id=0)

    @torch.no_grad()
    def _exchange(self, classifier: Any, weights_id: int) -> None:
        """Exchange the model's weights and the average."""
        for name, value in trainable_parameters(classifier).items():
            previous = value.clone()
            value.copy_(self._averaged(name, value.device))
            self.averaged[name] = previous
        classifier.model.weights_id = weights_id

    def state_dict(self) -> dict[str, Any]:
        return {"averaged": self.averaged, "count": self.count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.averaged, self.count = state_dict["averaged"], state_dict["count"]


def trainable_parameters(classifier: Classifier) -> dict[str, Tensor]:
    """Return the parameters that are trained in some phase, by plan name."""
    plan, parameters = classifier.engine.plan, classifier.engine.parameters
    return {name: p.detach() for name, p in parameters.items() if plan.ever_trains(name)}
