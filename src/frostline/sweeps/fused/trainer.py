"""The training of several heads together, step by step. Each head gets a different batch of the shared embeddings.

Shapes: J heads, G batch orders, B texts of a batch, D width, C classes, U embeddings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from functools import partial

import torch
from torch import Tensor

from frostline.errors import FrostlineError
from frostline.sweeps.fused.batches import BatchOrders, order_key
from frostline.sweeps.fused.member import FusedRun
from frostline.sweeps.fused.metrics import stacked_scores
from frostline.sweeps.fused.optimizers import stacked_optimizer
from frostline.sweeps.fused.stacked_heads import StackedHeads

MAX_VALUES = 50_000_000  # in a tensor of validation


class FusedTrainer:
    """Train runs with heads of one architecture over embeddings (U, D). All of them are at the same step."""

    def __init__(self, runs: Sequence[FusedRun], embeddings: Tensor) -> None:
        self.embeddings, self.step = embeddings, 0
        self.runs = sorted(runs, key=order_key)  # so that runs with the same batches follow each other
        self.stack = StackedHeads([run.classifier.model.head for run in self.runs])
        first = {name: value[0] for name, value in self.stack.parameters.items()}
        decays = {n: torch.tensor([run.weight_decay(p) for run in self.runs]).double() for n, p in first.items()}
        self.multipliers = {n: torch.tensor([run.multiplier(n) for run in self.runs]).double() for n in first}
        self.optimizer = stacked_optimizer([run.config["optimizer"] for run in self.runs], decays)
        self.orders = BatchOrders(self.runs)
        self.loss = torch.zeros(len(self.runs), dtype=torch.double)
        self._group_runs()

    def _group_runs(self) -> None:
        """Set what stays the same as long as these runs are trained."""
        self.steps_per_epoch = torch.tensor([run.steps_per_epoch for run in self.runs])
        limits = [run.built.settings.gradient_clip_val for run in self.runs]
        self.max_norms = torch.tensor([float("inf") if limit is None else limit for limit in limits])
        self.by_loss = [torch.tensor(heads) for heads in _equal_groups([_loss_key(run) for run in self.runs])]
        self.by_schedule = _equal_groups([run.schedule_key for run in self.runs])

    def fit(self, after_step: Callable[[int], None]) -> None:
        """Train until all runs are finished. after_step: is called with the number of runs that took the step."""
        while self.runs:
            self._training_step()
            after_step(len(self.runs))
            ended = (self.step % self.steps_per_epoch == 0).nonzero().flatten().tolist()
            self._end_epochs([head for head in ended if self.runs[head].error is None])
            if any(run.is_finished for run in self.runs):
                self._select([i for i, run in enumerate(self.runs) if not run.is_finished])

    def _training_step(self) -> None:
        rows, labels, sizes = self.orders.batches(self.step)
        by_run = self.orders.by_run
        seeds = [run.dropout_seed(self.step) for run in self.runs] if self.stack.has_dropout else []
        logits = self.stack.logits(self.embeddings[rows], by_run, seeds, sizes[by_run].tolist())
        is_in_batch = torch.arange(rows.shape[1]) < sizes[by_run][:, None]
        sums = (self._losses(logits, labels[by_run]) * is_in_batch).sum(dim=1)
        (sums / sizes[by_run]).sum().backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        self._add_losses(sums.detach())
        self._clip_gradients()
        self.rates = self._learning_rates()
        self.optimizer.step(self.stack.parameters, {n: self.rates * m for n, m in self.multipliers.items()})
        for parameter in self.stack.parameters.values():
            parameter.grad = None
        self.step += 1

    def _losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of each text (J, B), from logits (J, B, C) and labels (J, B) or (J, B, C)."""
        losses = logits.new_zeros(logits.shape[:2])
        for heads in self.by_loss:
            loss = self.runs[int(heads[0])].classifier.loss
            values: Tensor = loss(logits[heads].flatten(0, 1), labels[heads].flatten(0, 1), None)
            losses = losses.index_copy(0, heads, values.view(len(heads), -1))
        return losses

    def _learning_rates(self) -> Tensor:
        """Return the learning rates (J,) of this step, before the multipliers of parameters."""
        rates = [0.0] * len(self.runs)
        for heads in self.by_schedule:
            factor = self.runs[heads[0]].schedule_factor(self.step)
            for head in heads:
                rates[head] = self.runs[head].classifier.base_lr * factor
        return torch.tensor(rates, dtype=torch.double)

    def _add_losses(self, sums: Tensor) -> None:
        """Add the losses (J,) of a step; a run whose loss is not finite ends with an error."""
        self.loss += sums
        for head in (~torch.isfinite(sums)).nonzero().flatten().tolist():
            run = self.runs[head]
            do = f"lower optimizer.lr={run.classifier.base_lr:g}"
            run.error = FrostlineError(f"training: the loss is {sums[head]} at step {self.step}; {do}")

    def _clip_gradients(self) -> None:
        """Clip the gradients of each head by their norm."""
        gradients = [p.grad for p in self.stack.parameters.values() if p.grad is not None]
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)
        factors = (self.max_norms / (norms + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factors.view(-1, *[1] * (gradient.dim() - 1)))

    def _end_epochs(self, ended: Sequence[int]) -> None:
        highest = torch.stack([self.rates * multiplier for multiplier in self.multipliers.values()]).amax(dim=0)
        scores = self._validate([head for head in ended if self.runs[head].validates])
        for head in ended:
            loss, rate = float(self.loss[head]), float(highest[head])
            self.loss[head] = 0.0
            self.runs[head].end_epoch(self.step, scores.get(head), loss, rate, partial(self.stack.weights_of, head))

    def _validate(self, heads: Sequence[int]) -> dict[int, dict[str, float]]:
        """Return the validation metrics by head. Heads with the same validation split are evaluated together."""
        scores: dict[int, dict[str, float]] = {}
        for group in _equal_groups([id(self.runs[head].splits["val"].rows) for head in heads]):
            members = [heads[i] for i in group]
            val = self.runs[members[0]].splits["val"]
            scores |= zip(members, self._scores(members, self.embeddings[val.rows], val.labels), strict=True)
        return scores

    def _scores(self, heads: Sequence[int], embeddings: Tensor, labels: Tensor) -> list[dict[str, float]]:
        """Return the metrics of heads on the same texts, as many heads at a time as MAX_VALUES allows."""
        classes = self.runs[heads[0]].built.corpus.classes
        at_once = max(MAX_VALUES // (len(embeddings) * max(len(classes), embeddings.shape[1])), 1)
        scores: list[dict[str, float]] = []
        for first in range(0, len(heads), at_once):
            chunk = heads[first : first + at_once]
            logits = self.stack.evaluate(embeddings, chunk)
            if labels.ndim == 1:
                scores += stacked_scores(logits, labels, classes)
            else:  # each run chooses its thresholds
                scores += [self.runs[h].evaluate("val", values) for h, values in zip(chunk, logits, strict=True)]
        return scores

    def _select(self, heads: Sequence[int]) -> None:
        """Continue with the runs at these indices."""
        self.runs = [self.runs[head] for head in heads]
        if heads:
            index = torch.tensor(heads)
            self.stack.select(heads)
            self.optimizer.select(index)
            self.multipliers = {name: value[index] for name, value in self.multipliers.items()}
            self.loss = self.loss[index]
            self.orders.select(self.runs)
            self._group_runs()


def _equal_groups(keys: Sequence[Hashable]) -> list[list[int]]:
    """Return the indices of equal keys, a list for each key."""
    groups: dict[Hashable, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def _loss_key(run: FusedRun) -> str:
    """Return a key that is equal for equal losses. Balanced class weights depend on the labels of the train split."""
    weights = getattr(run.classifier.loss, "weights", None)
    return json.dumps([run.config["loss"], None if weights is None else weights.tolist()], sort_keys=True)
