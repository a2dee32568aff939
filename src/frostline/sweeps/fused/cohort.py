"""Heads trained together, step by step: each reads its own batch of the vectors that all share.

Shapes: J heads, G orders of batches, B texts of a batch, D width, C classes, U vectors in all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from functools import partial

import torch
from torch import Tensor

from frostline.errors import FrostlineError
from frostline.sweeps.fused.batches import Orders, order_of
from frostline.sweeps.fused.member import FusedRun
from frostline.sweeps.fused.metrics import scores
from frostline.sweeps.fused.optimizers import stepper
from frostline.sweeps.fused.stacked_heads import StackedHeads

READ = 50_000_000  # numbers at a time


class FusedTrainer:
    """Pupils whose heads have the same shape, over vectors (U, D); all have taken as many steps."""

    def __init__(self, pupils: Sequence[FusedRun], vectors: Tensor) -> None:
        self.vectors, self.step = vectors, 0
        self.pupils = sorted(pupils, key=order_of)  # so that those with the same batches stand beside each other
        self.stack = StackedHeads([pupil.classifier.model.head for pupil in self.pupils])
        named = {name: value[0] for name, value in self.stack.parameters.items()}
        decays = {n: torch.tensor([p.decay(n, value) for p in self.pupils]).double() for n, value in named.items()}
        self.multipliers = {n: torch.tensor([p.multiplier(n) for p in self.pupils]).double() for n in named}
        self.stepper = stepper([pupil.config["optimizer"] for pupil in self.pupils], decays)
        self.orders = Orders(self.pupils)
        self.loss = torch.zeros(len(self.pupils), dtype=torch.double)
        self._look()

    def _look(self) -> None:
        """At what does not change while these pupils learn."""
        self.steps_an_epoch = torch.tensor([pupil.steps_an_epoch for pupil in self.pupils])
        limits = [pupil.built.settings.gradient_clip_val for pupil in self.pupils]
        self.clip = torch.tensor([float("inf") if limit is None else limit for limit in limits])
        self.losses = [torch.tensor(places) for places in _alike([_loss_of(pupil) for pupil in self.pupils])]
        self.schedules = _alike([pupil.schedule for pupil in self.pupils])

    def learn(self, after_step: Callable[[int], None]) -> None:
        """Until all are done; tells after each step how many took it."""
        while self.pupils:
            self._step()
            after_step(len(self.pupils))
            ended = (self.step % self.steps_an_epoch == 0).nonzero().flatten().tolist()
            self._end_epochs([place for place in ended if self.pupils[place].failed is None])
            if any(pupil.done for pupil in self.pupils):
                self._keep([i for i, pupil in enumerate(self.pupils) if not pupil.done])

    def _step(self) -> None:
        places, labels, sizes = self.orders.batches(self.step)
        which = self.orders.which
        seeds = [pupil.dropout_seed(self.step) for pupil in self.pupils] if self.stack.draws else []
        logits = self.stack.logits(self.vectors[places], which, seeds, sizes[which].tolist())
        counted = torch.arange(places.shape[1]) < sizes[which][:, None]
        sums = (self._losses(logits, labels[which]) * counted).sum(dim=1)
        (sums / sizes[which]).sum().backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        self._note(sums.detach())
        self._clip()
        self.rates = self._rates()
        self.stepper.step(self.stack.parameters, {n: self.rates * m for n, m in self.multipliers.items()})
        for parameter in self.stack.parameters.values():
            parameter.grad = None
        self.step += 1

    def _losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        """logits (J, B, C), labels (J, B) or (J, B, C) -> (J, B): a loss sees each text by itself."""
        found = logits.new_zeros(logits.shape[:2])
        for places in self.losses:
            loss = self.pupils[int(places[0])].classifier.loss
            own: Tensor = loss(logits[places].flatten(0, 1), labels[places].flatten(0, 1), None)
            found = found.index_copy(0, places, own.view(len(places), -1))
        return found

    def _rates(self) -> Tensor:
        """(J,): of this step, before a parameter's own multiplier."""
        found = [0.0] * len(self.pupils)
        for places in self.schedules:
            factor = self.pupils[places[0]].factor(self.step)
            for place in places:
                found[place] = self.pupils[place].classifier.base_lr * factor
        return torch.tensor(found, dtype=torch.double)

    def _note(self, sums: Tensor) -> None:
        self.loss += sums
        for place in (~torch.isfinite(sums)).nonzero().flatten().tolist():
            pupil = self.pupils[place]
            do = f"lower optimizer.lr={pupil.classifier.base_lr:g}"
            pupil.failed = FrostlineError(f"training: the loss is {sums[place]} at step {self.step}; {do}")

    def _clip(self) -> None:
        """Each head by the norm of its own gradients."""
        gradients = [p.grad for p in self.stack.parameters.values() if p.grad is not None]
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)
        share = (self.clip / (norms + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(share.view(-1, *[1] * (gradient.dim() - 1)))

    def _end_epochs(self, ended: Sequence[int]) -> None:
        highest = torch.stack([self.rates * own for own in self.multipliers.values()]).amax(dim=0)
        scored = self._validated([place for place in ended if self.pupils[place].validates])
        for place in ended:
            told = {"train/loss": float(self.loss[place]), "train/lr": float(highest[place])}
            self.loss[place] = 0.0
            self.pupils[place].end_epoch(self.step, scored.get(place), told, partial(self.stack.of, place))

    def _validated(self, places: Sequence[int]) -> dict[int, dict[str, float]]:
        """Scores of the validation part by place; those with the same texts are read together."""
        found: dict[int, dict[str, float]] = {}
        for alike in _alike([id(self.pupils[place].parts["val"].places) for place in places]):
            same = [places[i] for i in alike]
            val = self.pupils[same[0]].parts["val"]
            found |= zip(same, self._scores(same, self.vectors[val.places], val.labels), strict=True)
        return found

    def _scores(self, places: Sequence[int], texts: Tensor, labels: Tensor) -> list[dict[str, float]]:
        """Of the validation part, as many heads at a time as memory should hold."""
        classes = self.pupils[places[0]].built.corpus.classes
        at_once = max(READ // (len(texts) * max(len(classes), texts.shape[1])), 1)
        found: list[dict[str, float]] = []
        for first in range(0, len(places), at_once):
            chunk = places[first : first + at_once]
            logits = self.stack.read(texts, chunk)
            if labels.ndim == 1:
                found += scores(logits, labels, classes)
            else:  # thresholds are each one's own
                found += [self.pupils[p].scored("val", own) for p, own in zip(chunk, logits, strict=True)]
        return found

    def _keep(self, places: Sequence[int]) -> None:
        self.pupils = [self.pupils[place] for place in places]
        if places:
            index = torch.tensor(places)
            self.stack.keep(places)
            self.stepper.keep(index)
            self.multipliers = {name: value[index] for name, value in self.multipliers.items()}
            self.loss = self.loss[index]
            self.orders.keep(self.pupils)
            self._look()


def _alike(keys: Sequence[Hashable]) -> list[list[int]]:
    """The places of equal keys."""
    found: dict[Hashable, list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return list(found.values())


def _loss_of(pupil: FusedRun) -> str:
    """Alike where the losses are: class weights follow from train's labels where they are balanced."""
    weights = getattr(pupil.classifier.loss, "weights", None)
    told = None if weights is None else weights.tolist()
    return json.dumps([pupil.config["loss"], told], sort_keys=True)
