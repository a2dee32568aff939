"""Whether a loss that compares texts of one class has any two of them to compare."""

from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import user_error


def check_positive_pairs(counts: Sequence[int]) -> None:
    """Raise UserError if no class has two training texts.

    counts: the number of training texts of each class; empty if it is not known.
    """
    if counts and max(counts) < 2:
        what = f"needs two training texts of one class, and each of the {len(counts)} classes has at most one"
        raise user_error("loss", what, "give more texts (dataset.shots, dataset.max_train), or choose cross_entropy")
