"""Weights between those before training and those after it, each mixture scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frostline.results.metric_names import better
from frostline.training.averaging.base import Interpolating
from frostline.training.classifier import Classifier

Row = dict[str, Any]


class Interpolation:
    """Made before anything has learned; `curve` when all has."""

    def __init__(self, classifier: Classifier, averaging: Interpolating) -> None:
        self.classifier, self.averaging = classifier, averaging
        self.before = {name: value.clone() for name, value in self._mixed().items()}
        self.after: dict[str, Tensor] = {}
        self.curve: list[Row] = []
        self.chosen: Row = {}

    @property
    def record(self) -> Row:
        """For result.json, when all mixtures are scored."""
        return {"wise_ft": self.curve, "alpha": self.chosen["alpha"]}

    def _mixed(self) -> dict[str, Tensor]:
        learned = self.classifier.learned().items()
        own = self.classifier.engine.parameters
        return {name: value for name, value in learned if name in own and self.averaging.mixes(name)}

    def draw(self, scores: Callable[[], dict[str, float]], monitor: str | None) -> None:
        """Score every mixture, and leave the chosen one in place. A collective call."""
        self.after = {name: value.clone() for name, value in self._mixed().items()}
        for place, alpha in enumerate(self.averaging.alphas):
            self._put(alpha, place)
            self.curve.append({"alpha": alpha, **scores()})
        self.chosen = self._choose(monitor)
        self._put(self.chosen["alpha"], self.curve.index(self.chosen))

    def _put(self, alpha: float, place: int) -> None:
        """At 0 and 1 the weights before and after to the bit."""
        for name, value in self._mixed().items():
            value.copy_(torch.lerp(self.before[name].to(value.device), self.after[name], alpha))
        self.classifier.standing = -1 - place

    def _choose(self, monitor: str | None) -> Row:
        if self.averaging.alpha is not None:
            return next(row for row in self.curve if row["alpha"] == self.averaging.alpha)
        assert monitor is not None
        best = self.curve[0]
        for row in self.curve[1:]:
            best = row if better(monitor, row[monitor], best[monitor]) else best
        return best
