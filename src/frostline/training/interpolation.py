"""Interpolation between the weights before and after training (WiSE-FT): each mixture is scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from frostline.results.metric_names import is_better
from frostline.training.averaging.base import Interpolating
from frostline.training.classifier import Classifier

Row = dict[str, Any]


class Interpolation:
    """Keeps the weights before training, and scores mixtures with those after it.

    Create it before training and call `score_mixtures` after it.

    Attributes:
        curve: alpha and metrics of each mixture. selected: the row of the mixture that the run keeps.
    """

    def __init__(self, classifier: Classifier, averaging: Interpolating) -> None:
        self.classifier, self.averaging = classifier, averaging
        self.before = {name: value.clone() for name, value in self._interpolated_tensors().items()}
        self.after: dict[str, Tensor] = {}
        self.curve: list[Row] = []
        self.selected: Row = {}

    @property
    def record(self) -> Row:
        """Return the entries for result.json, after all mixtures have been scored."""
        return {"wise_ft": self.curve, "alpha": self.selected["alpha"]}

    @property
    def validation_metrics(self) -> dict[str, float]:
        """Return the validation metrics of the selected mixture."""
        return {name: value for name, value in self.selected.items() if name.startswith("val/")}

    def _interpolated_tensors(self) -> dict[str, Tensor]:
        saved = self.classifier.checkpoint_state.weights().items()
        parameters = self.classifier.engine.parameters
        return {name: value for name, value in saved if name in parameters and self.averaging.mixes(name)}

    def score_mixtures(self, evaluate: Callable[[], dict[str, float]], monitor: str | None) -> None:
        """Score every mixture and leave the selected one in the model. A collective call."""
        self.after = {name: value.clone() for name, value in self._interpolated_tensors().items()}
        for index, alpha in enumerate(self.averaging.alphas):
            self._set_weights(alpha, index)
            self.curve.append({"alpha": alpha, **evaluate()})
        self.selected = self._select(monitor)
        self._set_weights(self.selected["alpha"], self.curve.index(self.selected))

    def _set_weights(self, alpha: float, index: int) -> None:
        """Put a mixture into the model. With alpha 0 and 1 it has the bits of the weights before and after."""
        for name, value in self._interpolated_tensors().items():
            value.copy_(torch.lerp(self.before[name].to(value.device), self.after[name], alpha))
        self.classifier.model.weights_id = -1 - index

    def _select(self, monitor: str | None) -> Row:
        """Return the mixture with the alpha of the config, or else the one with the best monitored metric."""
        if self.averaging.alpha is not None:
            return next(row for row in self.curve if row["alpha"] == self.averaging.alpha)
        assert monitor is not None
        best = self.curve[0]
        for row in self.curve[1:]:
            best = row if is_better(monitor, row[monitor], best[monitor]) else best
        return best
