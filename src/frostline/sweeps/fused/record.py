"""The record of a run that was trained with others: the files that it would have alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from frostline.results.environment import Environment
from frostline.sweeps.fused import wandb_table as table
from frostline.sweeps.fused.member import FusedRun
from frostline.sweeps.fused.shared_texts import Data
from frostline.sweeps.fused.task import Task
from frostline.training.build import Built, build_on_frozen_encoder
from frostline.training.callbacks.order import best_checkpoint
from frostline.training.callbacks.predictions import SplitPredictions
from frostline.training.cost import peak_memory
from frostline.training.loggers.choose import make_loggers
from frostline.training.loggers.finish import finish_failed
from frostline.training.record import RunRecorder


@dataclass
class FusedRecord:
    """`begin` before anything learns, `leave` its weights, and `finish` with the result."""

    task: Task
    pupil: FusedRun
    account: RunRecorder
    scores: dict[str, float] = field(default_factory=dict)
    told: dict[str, SplitPredictions] = field(default_factory=dict)

    @classmethod
    def begin(cls, task: Task, lead: Built, data: Data, device: str, around: Environment) -> FusedRecord:
        """lead: the run whose encoder is that of all."""
        built = build_on_frozen_encoder(lead, task.config, data.corpus, data.shifts)
        built.classifier.to(lead.classifier.device)
        best = best_checkpoint(built, task.job, task.place)
        account = RunRecorder(task.config, task.job, task.place, built, best, device)
        account.begin(None, around)
        return cls(task, FusedRun(task.config, built, data.parts, best), account)

    def leave(self, vectors: Tensor) -> None:
        """Score the best epoch's weights, and keep them.

        Raises:
            FrostlineError: the run came to no end.
        """
        pupil = self.pupil
        if pupil.failed is not None:
            raise pupil.failed
        if pupil.learns:
            pupil.take(pupil.weights)
        self.scores = dict(pupil.best.values or self._scored("val", vectors))
        if pupil.built.corpus.multi_label:
            self._scored("val", vectors)  # thresholds are those of the best epoch's weights
        for split in (*pupil.built.shifts, "test"):  # the home test last: its confusion is the one that is kept
            self.scores |= self._scored(split, vectors)
        pupil.best.save(pupil.classifier.checkpoint_state.weights())

    def _scored(self, split: str, vectors: Tensor) -> dict[str, float]:
        with torch.no_grad():
            part, model = self.pupil.parts[split], self.pupil.classifier
            logits = model.model.head.eval()(vectors[part.places])
            found = self.pupil.scored(split, logits)
            if split != "val":
                chances = model.metrics.probabilities(logits)
                self.told[split] = SplitPredictions(
                    torch.arange(len(part), device="cpu"), part.labels.cpu(), chances.cpu()
                )
        return {f"{split}/{name}": value for name, value in found.items()}

    def finish(self, seconds: float, fitted: float, encoded: int) -> dict[str, Any]:
        """seconds, fitted: its share of those that all took, and learnt; encoded: how many texts are on its account."""
        pupil, texts = self.pupil, {name: len(part) for name, part in self.pupil.parts.items()}
        validations = sum(map(pupil.built.settings.validates, range(pupil.epoch))) if pupil.learns else 1
        read = texts["train"] * pupil.epoch + texts["val"] * validations
        if pupil.learns and pupil.built.corpus.multi_label:
            read += texts["val"]  # once more, for the thresholds of the best epoch
        read += sum(count for name, count in texts.items() if name not in ("train", "val"))
        cost = {
            "seconds": seconds,
            "seconds_fit": fitted if pupil.learns else 0.0,
            "texts_read": read,
            "texts_encoded": encoded,
            "texts_from_store": read,
            "peak_memory_bytes": peak_memory(),
        }
        # Told after the fact, one run after the other, as W&B has one at a time.
        loggers = make_loggers(self.task.place, table.less_wandb(self.task.config), self.task.job)
        try:
            for step, epoch, values in pupil.curves:
                for logger in loggers:
                    logger.log_metrics({**values, "epoch": float(epoch)}, step)
            self.account.finish(self.scores, self.told, {}, cost, loggers, pupil.step)
        except BaseException:
            finish_failed(loggers)
            raise
        return self.task.place.read_result() or {}
