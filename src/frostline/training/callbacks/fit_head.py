"""Fits closed-form heads to the pooled vectors of all training texts, with the same result on all ranks."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import nn

from frostline.data.tokens import Tokens
from frostline.distributed.collectives import broadcast
from frostline.models.interfaces import FittedHead


class FitHead(pl.Callback):
    """Fits the head before each validation, on the vectors that the encoder gives at that time.

    So the best epoch is selected with the head that belongs to it. Where nothing is trained by gradient descent, there
    is one validation and the head is fitted once.

    train: the tokens of all training texts. once: whether the head is fitted before the only validation of the run.
    """

    def __init__(self, head: FittedHead, train: Tokens, once: bool) -> None:
        self.head, self.tokens, self.is_due = head, train, once

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.is_due or trainer.state.fn == TrainerFn.FITTING:
            self._fit(trainer)
            self.is_due = False

    @torch.no_grad()
    def _fit(self, trainer: Any) -> None:
        """Fit the head on all ranks and take the first rank's result, as results could differ in their last bits."""
        head = self.head
        assert isinstance(head, nn.Module)
        with torch.inference_mode(False):
            vectors = trainer.datamodule.frozen_states.pooled_vectors("train", self.tokens)
            head.fit(vectors, self.tokens.labels)
        for buffer in head.buffers():
            broadcast(buffer, trainer.world_size)


def fitted_values(head: nn.Module) -> int:
    """Return how many values of a closed-form head are fitted: coefficients, means, stored vectors.

    Buffers that are not persistent are constants and do not count.
    """
    parameters, state = dict(head.named_parameters()), head.state_dict()
    return sum(value.numel() for name, value in state.items() if name not in parameters and value.is_floating_point())
