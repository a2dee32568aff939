"""How far the classes of vectors lie apart, measured in all their numbers; and the two axes that show most of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PrincipalComponents:
    """points (N, 2) on the first two axes. share: of the variance, that these hold."""

    points: Any
    share: float


def principal_components(vectors: Any, beside: PrincipalComponents | None = None) -> PrincipalComponents:
    """vectors (N, D) -> by the principal components of these vectors themselves.

    beside: of the same texts; axes point the way in which these lie there. Else which way would be chance.
    """
    import numpy as np

    centred = _centred(vectors)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(axes[:2]).argmax(axis=1)
    points = centred @ (axes[:2] * np.sign(axes[[0, 1], largest])[:, None]).T
    if beside is not None:
        points = np.where((points * beside.points).sum(axis=0) < 0, -points, points)
    spread = (sizes**2).sum()
    return PrincipalComponents(points, float((sizes[:2] ** 2).sum() / spread) if spread else 0.0)


def nearest_mean_accuracy(vectors: Any, labels: Any) -> float:
    """The share of texts whose own class has the nearest mean, each text taken out of it; vectors (N, D), labels (N,).

    A text that is the only one of its class is told wrong.
    """
    import numpy as np

    wide = _centred(vectors)
    own = np.unique(labels, return_inverse=True)[1]
    counts = np.bincount(own).astype(float)
    means = np.stack([wide[own == kind].mean(axis=0) for kind in range(len(counts))])
    far = (wide**2).sum(axis=1)[:, None] - 2 * wide @ means.T + (means**2).sum(axis=1)
    # A mean of n moves away from a text x that is taken out of it: n / (n - 1) times as far from x.
    rows, alone = np.arange(len(own)), counts[own] == 1
    moved = (counts / np.maximum(counts - 1, 1))[own] ** 2 * far[rows, own]
    far[rows, own] = np.where(alone, np.inf, moved)
    return float((far.argmin(axis=1) == own).mean())


def _centred(vectors: Any) -> Any:
    wide = vectors.astype(float)
    return wide - wide.mean(axis=0)
