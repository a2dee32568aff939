"""Heads that are solved from all training vectors: when, from which, and alike on all ranks."""

from __future__ import annotations

import lightning.pytorch as pl
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import nn

from frostline.cache.frozen_states import FrozenStates
from frostline.data.tokens import Tokens
from frostline.distributed.collectives import alike
from frostline.models.interfaces import FittedHead


class FitHead(pl.Callback):
    """Solves the head before each validation, on the vectors that the encoder gives by then.

    So the best epoch is chosen with the head that it would have. Where nothing learns by gradient (`learns` is off)
    there is one validation, and the head is solved once.
    """

    def __init__(self, below: FrozenStates, tokens: Tokens | None, learns: bool) -> None:
        self.below, self.tokens = below, tokens
        self.due = not learns

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if isinstance(head := self.below.model.head, FittedHead) and (self.due or _fitting(trainer)):
            self.solve(head, trainer.world_size)
            self.due = False

    @torch.no_grad()
    def solve(self, head: FittedHead, ranks: int) -> None:
        """A collective call. The first rank's solution is the run's: theirs could differ in the last bits."""
        assert self.tokens is not None and isinstance(head, nn.Module)
        with torch.inference_mode(False):
            head.fit(self.below.vectors("train", self.tokens), self.tokens.labels)
        for buffer in head.buffers():
            alike(buffer, ranks)


def _fitting(trainer: pl.Trainer) -> bool:
    return trainer.state.fn == TrainerFn.FITTING


def solved(head: nn.Module) -> int:
    """How many numbers are solved for in place of learning them: coefficients, means, vectors that are kept.

    Buffers that are not persistent are constants.
    """
    if not isinstance(head, FittedHead):
        return 0
    learned, state = dict(head.named_parameters()), head.state_dict()
    return sum(value.numel() for name, value in state.items() if name not in learned and value.is_floating_point())
