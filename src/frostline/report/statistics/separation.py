"""How well the classes of embeddings are separated, and the first two principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PrincipalComponents:
    """points (N, 2): projections on the first two components. share: of the variance that they explain."""

    points: Any
    share: float


def principal_components(vectors: Any, reference: PrincipalComponents | None = None) -> PrincipalComponents:
    """Project embeddings (N, D) on their first two principal components.

    reference: components of the same texts; the signs are chosen to agree with it. Without it, the largest entry of
    each component is positive. Otherwise the signs would be arbitrary.
    """
    import numpy as np

    centred = _centre(vectors)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(axes[:2]).argmax(axis=1)
    points = centred @ (axes[:2] * np.sign(axes[[0, 1], largest])[:, None]).T
    if reference is not None:
        points = np.where((points * reference.points).sum(axis=0) < 0, -points, points)
    variance = (sizes**2).sum()
    return PrincipalComponents(points, float((sizes[:2] ** 2).sum() / variance) if variance else 0.0)


def nearest_mean_accuracy(vectors: Any, labels: Any) -> float:
    """Return the leave-one-out accuracy of a nearest-class-mean classifier; embeddings (N, D), labels (N,).

    A text that is the only one of its class counts as an error.
    """
    import numpy as np

    centred = _centre(vectors)
    classes = np.unique(labels, return_inverse=True)[1]
    counts = np.bincount(classes).astype(float)
    means = np.stack([centred[classes == kind].mean(axis=0) for kind in range(len(counts))])
    distances = (centred**2).sum(axis=1)[:, None] - 2 * centred @ means.T + (means**2).sum(axis=1)
    # Leaving a text x out of the n texts of its class moves their mean away: x is n / (n - 1) times as far from it.
    rows, single = np.arange(len(classes)), counts[classes] == 1
    left_out = (counts / np.maximum(counts - 1, 1))[classes] ** 2 * distances[rows, classes]
    distances[rows, classes] = np.where(single, np.inf, left_out)
    return float((distances.argmin(axis=1) == classes).mean())


def _centre(vectors: Any) -> Any:
    vectors = vectors.astype(float)
    return vectors - vectors.mean(axis=0)
