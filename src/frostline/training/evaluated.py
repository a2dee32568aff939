"""A network whose logits are scored: on validation texts while it learns, on each test set at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import nn

from frostline.data.loader import Batch
from frostline.freezing.adaptive import PhaseController
from frostline.training.checkpoint_state import Resumable
from frostline.training.metrics import ClassificationMetrics
from frostline.training.multilabel import MultiLabelMetrics
from frostline.training.phases import PhaseEngine


class Evaluated(Resumable):
    """Keeps the scores of all ranks' texts and tells the loggers."""

    def __init__(
        self,
        encoder: nn.Module,
        pooler: nn.Module,
        head: nn.Module,
        engine: PhaseEngine,
        decider: PhaseController | None,
        classes: Sequence[str],
        multi_label: bool,
    ) -> None:
        super().__init__(encoder, pooler, head, engine, decider)
        self.scores = MultiLabelMetrics(classes) if multi_label else ClassificationMetrics(classes)
        self.confusion: list[list[int]] | None = None
        self.tested = "test"  # which test set the test loop reads; others are named test_<name>

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self.scores.update(self(batch), batch["labels"], batch["weight"])

    def on_validation_epoch_end(self) -> None:
        self._score("val")

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        found = self.outputs(batch)
        self.scores.update(found.logits, batch["labels"], batch["weight"])
        return {"outputs": found}

    def on_test_epoch_end(self) -> None:
        self._score(self.tested)

    def _score(self, split: str) -> None:
        if split == "val" and isinstance(self.scores, MultiLabelMetrics):
            self.scores.choose_thresholds()
        self.confusion = self.scores.confusion()
        values = self.scores.compute()
        self.scores.reset()
        curve = self.trainer.state.fn == TrainerFn.FITTING  # final scores are written once, at the end
        self.log_all({f"{split}/{name}": value for name, value in values.items()}, curve)

    def log_all(self, values: dict[str, float], curve: bool = True) -> None:
        """Values are already those of all ranks, so that a mean over ranks changes nothing."""
        values = values | {"step": float(self.global_step), "epoch": float(self.current_epoch)}
        wide = {name: torch.tensor(value, dtype=torch.double) for name, value in values.items()}
        several = self.trainer.world_size > 1
        self.log_dict(wide, on_step=False, on_epoch=True, batch_size=1, sync_dist=several, logger=curve)
