"""The classes of a trained model, as a config of transformers describes them."""

from __future__ import annotations

from typing import Any

from frostline.models.trained import TrainedModel


def label_config(trained: TrainedModel) -> dict[str, Any]:
    """Return the entries of a config: names of the classes, kind of the task, and thresholds of multi-label data."""
    kind = "multi_label_classification" if trained.multi_label else "single_label_classification"
    return {
        "id2label": dict(enumerate(trained.classes)),
        "label2id": {name: index for index, name in enumerate(trained.classes)},
        "problem_type": kind,
        "thresholds": trained.thresholds,
    }
