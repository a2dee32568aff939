"""One of the runs that are trained together: its batch order, learning rates, best epoch and curves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from frostline.models.fingerprint import weights_digest
from frostline.seeding import derive_seed
from frostline.training.build import Built
from frostline.training.callbacks.best_checkpoint import BestCheckpoint
from frostline.training.classifier import Classifier
from frostline.training.multi_label_metrics import MultiLabelMetrics

WeightsGetter = Callable[[], dict[str, Tensor]]


@dataclass(frozen=True)
class SplitEmbeddings:
    """A split of N texts. rows (N,): of the shared embeddings; labels (N,) or (N, C); lengths: tokens of each text."""

    rows: Tensor
    labels: Tensor
    lengths: list[int]

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass
class FusedRun:
    """The state of one run. Nothing in it depends on the runs that it is trained with.

    curves: what a run by itself would log, as (step, epoch, values). error: why its training has ended early.
    """

    config: dict[str, Any]
    built: Built
    splits: dict[str, SplitEmbeddings]
    best: BestCheckpoint
    step: int = 0
    epoch: int = 0
    curves: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    error: Exception | None = None
    stopped_early: bool = False

    @property
    def classifier(self) -> Classifier:
        return self.built.classifier

    @property
    def is_trained(self) -> bool:
        """Whether the head has trainable parameters and there are epochs to train them."""
        return self.built.trains

    @property
    def stack_key(self) -> str:
        """A key that is equal for heads that can be stacked: they differ in values and dropout probabilities alone."""
        head = self.classifier.model.head
        has_dropout = any(isinstance(module, nn.Dropout) for module in head.modules())
        arguments = {key: value for key, value in self.config["head"].items() if key != "dropout" or not has_dropout}
        shapes = {name: list(p.shape) for name, p in (*head.named_parameters(), *head.named_buffers())}
        multi_label = self.built.corpus.multi_label
        return json.dumps([arguments, shapes, self.config["optimizer"]["_target_"], multi_label])

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.splits["train"]) // self.batch_size)

    @property
    def is_finished(self) -> bool:
        return self.stopped_early or self.error is not None or self.epoch == self.built.settings.max_epochs

    @property
    def batch_size(self) -> int:
        return int(self.config["dataset"]["batch_size"])

    @property
    def order_seed(self) -> int:
        return derive_seed(self.config["seed"], "order")

    @property
    def schedule_key(self) -> str:
        """A key that is equal for runs with the same learning-rate schedule."""
        return json.dumps([self.config["scheduler"], self.steps_per_epoch, self.built.settings.max_epochs])

    def dropout_seed(self, step: int) -> int:
        return derive_seed(self.classifier.seed, "dropout", step, 0)

    def schedule_factor(self, step: int) -> float:
        """Return the schedule's factor on the base learning rate at `step`."""
        model = self.classifier
        return model.schedule(model.engine.progress(step, self.steps_per_epoch))

    def multiplier(self, name: str) -> float:
        """Return the learning-rate multiplier of a parameter of the head."""
        multiplier = self.classifier.engine.phase.multipliers[f"head.{name}"]
        assert multiplier is not None
        return multiplier

    def weight_decay(self, parameter: Tensor) -> float:
        """Return the weight decay of a parameter: none for vectors, as in the optimizer groups of a run by itself."""
        return self.classifier.weight_decay if sum(size > 1 for size in parameter.shape) > 1 else 0.0

    @property
    def validates(self) -> bool:
        """Whether the current epoch ends with a validation."""
        return self.built.settings.validates(self.epoch)

    def end_epoch(
        self,
        step: int,
        scores: dict[str, float] | None,
        loss: float,
        rate: float,
        weights: WeightsGetter,
    ) -> None:
        """Log an epoch and keep the best weights.

        scores: metrics of the validation split, if it was validated. loss: the sum over all texts of the epoch. rate:
        the highest learning rate. weights: returns the current weights of the head.
        """
        self.step = step
        if scores is not None:
            self._log_validation({f"val/{name}": value for name, value in scores.items()}, weights)
        values = {"train/loss": loss / len(self.splits["train"]), "train/lr": rate}
        self.curves.append((step, self.epoch, values))
        self.epoch += 1
        if self.is_finished:
            self._end_phase(weights())

    def _log_validation(self, values: dict[str, float], weights: WeightsGetter) -> None:
        self.curves.append((self.step, self.epoch, values))
        if self.best.is_better(values):
            self.best.epoch, self.best.values, self.weights = self.epoch, values, weights()
        patience = self.built.settings.patience
        best = -1 if self.best.epoch is None else self.best.epoch
        self.stopped_early = patience is not None and self.epoch - best >= patience

    def _end_phase(self, weights: dict[str, Tensor]) -> None:
        self.load_weights(weights)
        digest = weights_digest(self.classifier.checkpoint_state.weights())
        self.classifier.tracker.finish_phase(self.epoch, self.step, digest)

    @torch.no_grad()
    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Copy weights into the head."""
        for name, parameter in self.classifier.model.head.named_parameters():
            parameter.copy_(weights[name])

    def evaluate(self, split: str, logits: Tensor) -> dict[str, float]:
        """Return the metrics of a split from its logits (N, C), and set the confusion matrix of the classifier."""
        model = self.classifier
        labels = self.splits[split].labels
        model.metrics.update(logits, labels, torch.ones(len(labels)))
        if split == "val" and isinstance(model.metrics, MultiLabelMetrics):
            model.metrics.choose_thresholds()
        model.confusion = model.metrics.confusion()
        values = model.metrics.compute()
        model.metrics.reset()
        return values
