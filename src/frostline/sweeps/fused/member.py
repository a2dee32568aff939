"""One run among those that are trained together: its own order, rates, best epoch and curves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from frostline.models.fingerprint import weights_digest
from frostline.seeding import derive
from frostline.training.build import Built
from frostline.training.callbacks.best_checkpoint import BestCheckpoint
from frostline.training.classifier import Classifier
from frostline.training.metrics import MultiLabelMetrics


@dataclass(frozen=True)
class Part:
    """A split's vectors by their places among all that are shared (N,), its labels, and its texts' lengths."""

    places: Tensor
    labels: Tensor
    lengths: list[int]

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass
class FusedRun:
    """What differs from run to run, and how far it has come; nothing of it depends on the others.

    curves: what a run alone would log, as (step, epoch, values). failed: why it goes on no more.
    """

    config: dict[str, Any]
    built: Built
    parts: dict[str, Part]
    best: BestCheckpoint
    step: int = 0
    epoch: int = 0
    curves: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    failed: Exception | None = None
    stopped: bool = False

    @property
    def classifier(self) -> Classifier:
        return self.built.classifier

    @property
    def learns(self) -> bool:
        return self.built.trains

    @property
    def kind(self) -> str:
        """Alike where heads can stand in one stack: what differs is in their numbers and in dropout alone."""
        head = self.classifier.model.head
        drops = any(isinstance(module, nn.Dropout) for module in head.modules())
        given = {key: value for key, value in self.config["head"].items() if key != "dropout" or not drops}
        shapes = {name: list(p.shape) for name, p in (*head.named_parameters(), *head.named_buffers())}
        multi = self.built.corpus.multi_label
        return json.dumps([given, shapes, self.config["optimizer"]["_target_"], multi])

    @property
    def steps_an_epoch(self) -> int:
        return -(-len(self.parts["train"]) // self.batch_size)

    @property
    def done(self) -> bool:
        return self.stopped or self.failed is not None or self.epoch == self.built.settings.max_epochs

    @property
    def batch_size(self) -> int:
        return int(self.config["dataset"]["batch_size"])

    @property
    def order_seed(self) -> int:
        return derive(self.config["seed"], "order")

    @property
    def schedule(self) -> str:
        """Alike for runs whose rates rise and fall together."""
        return json.dumps([self.config["scheduler"], self.steps_an_epoch, self.built.settings.max_epochs])

    def dropout_seed(self, step: int) -> int:
        return derive(self.classifier.seed, "dropout", step, 0)

    def factor(self, step: int) -> float:
        """On the base rate, at the step about to be taken."""
        model = self.classifier
        return model.schedule(model.engine.progress(step, self.steps_an_epoch))

    def multiplier(self, name: str) -> float:
        """Of a parameter of the head."""
        found = self.classifier.engine.phase.multipliers[f"head.{name}"]
        assert found is not None
        return found

    def decay(self, name: str, parameter: Tensor) -> float:
        """As `PhaseEngine.optimizer_groups` has it: vectors are not decayed."""
        return self.classifier.weight_decay if sum(size > 1 for size in parameter.shape) > 1 else 0.0

    # Epochs

    @property
    def validates(self) -> bool:
        """Whether the present epoch ends with a validation."""
        return self.built.settings.validates(self.epoch)

    def end_epoch(
        self,
        step: int,
        scores: dict[str, float] | None,
        told: dict[str, float],
        weights: Callable[[], dict[str, Tensor]],
    ) -> None:
        """scores of the validation part; told: the sum of the epoch's losses, and a rate; weights: the head's, now."""
        self.step = step
        if scores is not None:
            self._scored({f"val/{name}": value for name, value in scores.items()}, weights)
        mean = told["train/loss"] / len(self.parts["train"])
        self.curves.append((step, self.epoch, {**told, "train/loss": mean}))
        self.epoch += 1
        if self.done:
            self._end_phase(weights())

    def _scored(self, values: dict[str, float], weights: Callable[[], dict[str, Tensor]]) -> None:
        self.curves.append((self.step, self.epoch, values))
        if self.best.is_better(values):
            self.best.epoch, self.best.values, self.weights = self.epoch, values, weights()
        patience = self.built.settings.patience
        assert self.best.epoch is not None
        self.stopped = patience is not None and self.epoch - self.best.epoch >= patience

    def _end_phase(self, weights: dict[str, Tensor]) -> None:
        self.take(weights)
        digest = weights_digest(self.classifier.checkpoint_state.weights())
        self.classifier.tracker.finish_phase(self.epoch, self.step, digest)

    @torch.no_grad()
    def take(self, weights: dict[str, Tensor]) -> None:
        """Make them the head's."""
        for name, parameter in self.classifier.model.head.named_parameters():
            parameter.copy_(weights[name])

    def scored(self, split: str, logits: Tensor) -> dict[str, float]:
        """As `Classifier` scores a split, from its logits (N, C); the confusion is kept."""
        model = self.classifier
        labels = self.parts[split].labels
        model.metrics.update(logits, labels, torch.ones(len(labels)))
        if split == "val" and isinstance(model.metrics, MultiLabelMetrics):
            model.metrics.choose_thresholds()
        model.confusion = model.metrics.confusion()
        values = model.metrics.compute()
        model.metrics.reset()
        return values
