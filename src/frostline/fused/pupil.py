"""One run among those that are trained together: its own order, rates, best epoch and curves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from frostline.agreement import digest
from frostline.chance import derive
from frostline.checkpoints import Best
from frostline.classifier import Classifier
from frostline.compose.build import Built
from frostline.data.batches import Indices, training_order
from frostline.multilabel import MultiLabelScores


@dataclass(frozen=True)
class Part:
    """A split's vectors by their places among all that are shared (N,), its labels, and its texts' lengths."""

    places: Tensor
    labels: Tensor
    lengths: list[int]

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass
class Pupil:
    """What differs from run to run, and how far it has come; nothing of it depends on the others.

    curves: what a run alone would log, as (step, epoch, values). ended: why it goes on no more, where it failed.
    """

    config: dict[str, Any]
    built: Built
    parts: dict[str, Part]
    best: Best
    step: int = 0
    epoch: int = 0
    curves: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    failed: Exception | None = None
    stopped: bool = False
    loss: float = 0.0
    _order: list[Indices] = field(default_factory=list)

    @property
    def classifier(self) -> Classifier:
        return self.built.classifier

    @property
    def learns(self) -> bool:
        return self.built.plan.ever_learning > 0 and self.built.settings.max_epochs > 0

    @property
    def kind(self) -> str:
        """Alike where heads can stand in one stack."""
        head = self.classifier.head
        shapes = {name: list(p.shape) for name, p in (*head.named_parameters(), *head.named_buffers())}
        multi = self.built.corpus.multi_label
        return json.dumps([repr(type(head)), shapes, self.config["optimizer"]["_target_"], multi])

    @property
    def steps_an_epoch(self) -> int:
        return -(-len(self.parts["train"]) // int(self.config["dataset"]["batch_size"]))

    @property
    def done(self) -> bool:
        return self.stopped or self.failed is not None or self.epoch == self.built.settings.max_epochs

    @property
    def dropout_seed(self) -> int:
        return derive(self.classifier.seed, "dropout", self.step, 0)

    def batch(self) -> Indices:
        """The rows of train that the next step reads."""
        place = self.step % self.steps_an_epoch
        if place == 0:
            size, seed = self.config["dataset"]["batch_size"], derive(self.config["seed"], "order")
            self._order, self.loss = training_order(self.parts["train"].lengths, size, seed, self.epoch), 0.0
        return self._order[place]

    def rate(self) -> float:
        """Of the next step, before a parameter's own multiplier."""
        model = self.classifier
        return model.base_lr * model.schedule(model.engine.progress(self.step, self.steps_an_epoch))

    def multiplier(self, name: str) -> float:
        """Of a parameter of the head."""
        found = self.classifier.engine.phase.multipliers[f"head.{name}"]
        assert found is not None
        return found

    def decay(self, name: str, parameter: Tensor) -> float:
        """As `Engine.groups` has it: vectors are not decayed."""
        return self.classifier.weight_decay if sum(size > 1 for size in parameter.shape) > 1 else 0.0

    # Epochs

    def ends_epoch(self) -> bool:
        """Asked after a step."""
        return self.step % self.steps_an_epoch == 0

    def end_epoch(self, logits: Tensor, weights: dict[str, Tensor], rate: float) -> None:
        """logits (N, C) of the validation part; weights: the head's, now; rate: the last step's highest."""
        values = self.scored("val", logits)
        self.curves.append((self.step, self.epoch, values))
        told = {"train/loss": self.loss / len(self.parts["train"]), "train/lr": rate}
        self.curves.append((self.step, self.epoch, told))
        if self.best.is_better(values):
            self.best.epoch, self.best.values, self.weights = self.epoch, values, weights
        patience = self.built.settings.patience
        assert self.best.epoch is not None
        self.stopped = patience is not None and self.epoch - self.best.epoch >= patience
        self.epoch += 1
        if self.done:
            self._end_phase(weights)

    def _end_phase(self, weights: dict[str, Tensor]) -> None:
        self.take(weights)
        span: dict[str, Any] = {"epochs": [0, self.epoch], "steps": [0, self.step]}
        model = self.classifier
        model.ended.append({"name": model.engine.phase.name, **span, "weights": digest(model.learned())})

    @torch.no_grad()
    def take(self, weights: dict[str, Tensor]) -> None:
        """Make them the head's."""
        for name, parameter in self.classifier.head.named_parameters():
            parameter.copy_(weights[name])

    def scored(self, split: str, logits: Tensor) -> dict[str, float]:
        """As `Evaluated` scores a split."""
        model = self.classifier
        labels = self.parts[split].labels
        model.scores.update(logits, labels, torch.ones(len(labels)))
        if split == "val" and isinstance(model.scores, MultiLabelScores):
            model.scores.choose_thresholds()
        model.confusion = model.scores.confusion()
        values = {f"{split}/{name}": value for name, value in model.scores.compute().items()}
        model.scores.reset()
        return values


def by_texts(places: Sequence[int], pupils: Sequence[Pupil], split: str) -> list[list[int]]:
    """Those that read the same texts of a split, together."""
    found: dict[int, list[int]] = {}
    for place in places:
        found.setdefault(id(pupils[place].parts[split].places), []).append(place)
    return list(found.values())
