"""Heads trained together, step by step: each reads its own batch of the vectors that all share.

Shapes: J heads, B texts of each one's batch, D width, C classes, U vectors in all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from frostline.errors import FrostlineError
from frostline.fused.optimizers import stepper
from frostline.fused.pupil import Pupil, by_texts
from frostline.fused.stack import Stack

READ = 50_000_000  # logits at a time


class Class:
    """Pupils whose heads have the same shape, over vectors (U, D)."""

    def __init__(self, pupils: Sequence[Pupil], vectors: Tensor) -> None:
        self.vectors = vectors
        self.pupils = sorted(pupils, key=_loss_of)  # so that those with the same loss stand beside each other
        self.stack = Stack([pupil.classifier.head for pupil in self.pupils])
        named = {name: value[0] for name, value in self.stack.parameters.items()}
        decays = {n: torch.tensor([p.decay(n, value) for p in self.pupils]).double() for n, value in named.items()}
        self.multipliers = {n: torch.tensor([p.multiplier(n) for p in self.pupils]).double() for n in named}
        self.stepper = stepper([pupil.config["optimizer"] for pupil in self.pupils], decays)

    def learn(self, after_step: Callable[[int], None]) -> None:
        """Until all are done; tells after each step how many took it."""
        while self.pupils:
            self._step()
            after_step(len(self.pupils))
            ended = [i for i, pupil in enumerate(self.pupils) if pupil.failed is None and pupil.ends_epoch()]
            self._end_epochs(ended)
            if any(pupil.done for pupil in self.pupils):
                self._keep([i for i, pupil in enumerate(self.pupils) if not pupil.done])

    def _step(self) -> None:
        batches = [pupil.batch() for pupil in self.pupils]
        sizes = torch.tensor([len(batch) for batch in batches])
        longest = int(sizes.max())
        rows = torch.from_numpy(np.stack([np.pad(b, (0, longest - len(b)), mode="edge") for b in batches]))
        parts = [pupil.parts["train"] for pupil in self.pupils]
        vectors = self.vectors[self._picked([part.places for part in parts], rows)]
        labels = self._picked([part.labels for part in parts], rows)
        seeds = [pupil.dropout_seed for pupil in self.pupils] if self.stack.draws else []
        logits = self.stack.logits(vectors, seeds, sizes.tolist())
        losses = self._losses(logits, labels) * (torch.arange(longest) < sizes[:, None])
        sums = losses.sum(dim=1)
        (sums / sizes).sum().backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        self._note(sums.detach())
        self._clip()
        self.rates = torch.tensor([pupil.rate() for pupil in self.pupils], dtype=torch.double)
        self.stepper.step(self.stack.parameters, {n: self.rates * m for n, m in self.multipliers.items()})
        for parameter in self.stack.parameters.values():
            parameter.grad = None
        for pupil in self.pupils:
            pupil.step += 1

    def _picked(self, given: Sequence[Tensor], rows: Tensor) -> Tensor:
        """Of each pupil's own (N, ...) its rows (B): at once where all have the same."""
        if all(values is given[0] for values in given):
            return given[0][rows]
        return torch.stack([values[own] for values, own in zip(given, rows, strict=True)])

    def _losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        """logits (J, B, C), labels (J, B) or (J, B, C) -> (J, B): a loss sees each text by itself."""
        found, first = [], 0
        for _, group in groupby(self.pupils, key=_loss_of):
            same = list(group)
            own = slice(first, first + len(same))
            losses = same[0].classifier.loss(logits[own].flatten(0, 1), labels[own].flatten(0, 1), None)
            found.append(losses.view(len(same), -1))
            first += len(same)
        return torch.cat(found)

    def _note(self, sums: Tensor) -> None:
        for pupil, loss in zip(self.pupils, sums.tolist(), strict=True):
            pupil.loss += loss
            if not np.isfinite(loss):
                do = f"lower optimizer.lr={pupil.classifier.base_lr:g}"
                pupil.failed = FrostlineError(f"training: the loss is {loss} at step {pupil.step}; {do}")

    def _clip(self) -> None:
        """Each head by the norm of its own gradients."""
        limits = [pupil.built.settings.gradient_clip for pupil in self.pupils]
        if not any(limits):
            return
        gradients = [p.grad for p in self.stack.parameters.values() if p.grad is not None]
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)
        most = torch.tensor([float("inf") if limit is None else limit for limit in limits])
        share = (most / (norms + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(share.view(-1, *[1] * (gradient.dim() - 1)))

    def _end_epochs(self, ended: Sequence[int]) -> None:
        for same in by_texts(ended, self.pupils, "val"):
            texts = self.vectors[self.pupils[same[0]].parts["val"].places]
            for place, logits in zip(same, read(self.stack, texts, same), strict=True):
                rate = max(float(self.rates[place] * m[place]) for m in self.multipliers.values())
                self.pupils[place].end_epoch(logits, self.stack.of(place), rate)

    def _keep(self, places: Sequence[int]) -> None:
        self.pupils = [self.pupils[place] for place in places]
        if places:
            index = torch.tensor(places)
            self.stack.keep(places)
            self.stepper.keep(index)
            self.multipliers = {name: value[index] for name, value in self.multipliers.items()}


def read(stack: Stack, texts: Tensor, places: Sequence[int]) -> list[Tensor]:
    """Logits (N, C) of each of these heads, as many heads at a time as memory should hold."""
    classes = stack.read(texts[:1], places[:1]).shape[-1]
    at_once = max(READ // (len(texts) * max(classes, texts.shape[1])), 1)
    chunks = [places[i : i + at_once] for i in range(0, len(places), at_once)]
    return [logits for chunk in chunks for logits in stack.read(texts, chunk)]


def _loss_of(pupil: Pupil) -> str:
    """Alike where the losses are: class weights follow from train's labels where they are balanced."""
    given = pupil.config["loss"]
    weights = getattr(pupil.classifier.loss, "weights", None)
    return json.dumps([given, None if weights is None else weights.tolist()], sort_keys=True)
