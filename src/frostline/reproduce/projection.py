"""Vectors in two dimensions, for the eye: t-SNE, arXiv:1301.3342, as scikit-learn has it."""

from __future__ import annotations

from typing import Any

SEED, PERPLEXITY = 0, 30  # the usual one, less where there are few texts


def tsne(vectors: Any) -> Any:
    """vectors (N, D) -> places (N, 2), float32, always the same; N is 4 at least."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    # From the principal axes, so that how it begins is no matter of chance, unless all vectors are one.
    begin = "pca" if vectors.std(axis=0).any() else "random"
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    with threadpool_limits(1):  # several add in an order of chance, and where cores are busy take 50 times as long
        return TSNE(init=begin, perplexity=perplexity, random_state=SEED).fit_transform(vectors)
