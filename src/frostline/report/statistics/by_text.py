"""Scores as means over texts: a value for each text, whose mean is the score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def accuracy_by_text(labels: Any, predicted: Any, classes: int) -> Any:
    """Return 1 for each text that is predicted correctly, else 0, from labels and predicted classes (N,)."""
    return (labels == predicted).astype(float)


def macro_f1_by_text(labels: Any, predicted: Any, classes: int) -> Any:
    """Return macro-F1 plus the influence of each text on it (N,), from labels and predicted classes (N,).

    Macro-F1 is no mean over texts. Its first-order change with the weight of a text (the infinitesimal jackknife) is,
    and the mean of the influences is zero. A class that is neither present nor predicted has an F1 of zero.
    """
    import numpy as np

    correct = labels == predicted
    hits = np.bincount(labels[correct], minlength=classes).astype(float)
    total = np.bincount(labels, minlength=classes) + np.bincount(predicted, minlength=classes)
    inverse = np.divide(1.0, total, out=np.zeros(classes), where=total > 0)
    f1 = 2 * hits * inverse
    change = 2 * correct * inverse[labels] - f1[labels] * inverse[labels] - f1[predicted] * inverse[predicted]
    return f1.mean() + change * len(labels) / classes


BY_TEXT: dict[str, Callable[[Any, Any, int], Any]] = {"accuracy": accuracy_by_text, "f1_macro": macro_f1_by_text}
