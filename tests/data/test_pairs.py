"""Pairs for contrastive losses: from all of train, of the right kind, uniform, and a function of seed and epoch."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from frostline.data.pairs import draw_pairs, pair_batches, pair_count, share_with_partner

LABELS = st.lists(st.integers(0, 5), min_size=2, max_size=30).filter(lambda labels: len(set(labels)) > 1)


@given(LABELS, st.integers(1, 3), st.integers(0, 9), st.integers(0, 9))
def test_each_text_has_as_many_partners_of_its_class_as_of_others(
    labels: list[int], pairs: int, seed: int, epoch: int
) -> None:
    drawn = draw_pairs(labels, pairs, seed, epoch).tolist()
    same = Counter(a for a, b in drawn if labels[a] == labels[b])
    other = Counter(a for a, b in drawn if labels[a] != labels[b])
    assert all(a != b for a, b in drawn)
    assert len(drawn) == pair_count(labels, pairs)
    for i, label in enumerate(labels):
        assert same[i] == (pairs if labels.count(label) > 1 else 0)
        assert other[i] == pairs


def test_every_possible_partner_is_equally_probable() -> None:
    labels = [0, 0, 0, 1, 1, 2, 0]
    same, other = Counter[int](), Counter[int]()
    for epoch in range(3000):
        for a, b in draw_pairs(labels, 1, seed=1, epoch=epoch).tolist():
            if a == 1:
                (same if labels[b] == 0 else other)[b] += 1
    assert set(same) == {0, 2, 6} and set(other) == {3, 4, 5}
    assert chisquare(list(same.values())).pvalue > 1e-3 and chisquare(list(other.values())).pvalue > 1e-3


@given(LABELS, st.integers(1, 8), st.integers(1, 2))
def test_batches_hold_each_pair_once_side_by_side(labels: list[int], half: int, pairs: int) -> None:
    lengths = [3 + i % 5 for i in range(len(labels))]
    batches = pair_batches(labels, lengths, 2 * half, pairs, seed=4, epoch=2)
    side_by_side = [tuple(pair) for rows in batches for pair in rows.reshape(-1, 2).tolist()]
    assert Counter(side_by_side) == Counter(map(tuple, draw_pairs(labels, pairs, 4, 2).tolist()))
    assert all(len(rows) % 2 == 0 and len(rows) <= 2 * half for rows in batches)
    assert sum(len(rows) < 2 * half for rows in batches) <= 1


def test_pairs_follow_from_seed_and_epoch() -> None:
    labels, lengths = [0, 1, 2] * 8, list(range(24))

    def drawn(seed: int, epoch: int) -> list[int]:
        return np.concatenate(pair_batches(labels, lengths, 8, 1, seed, epoch)).tolist()  # type: ignore[no-any-return]

    assert drawn(1, 0) == drawn(1, 0)
    assert len({tuple(drawn(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4


def test_the_share_of_texts_with_a_partner_counts_within_batches() -> None:
    batches = [np.array([0, 1, 2]), np.array([3, 4])]
    assert share_with_partner([0, 0, 1, 1, 2], batches) == pytest.approx(2 / 5)
    assert share_with_partner(list(range(5)), batches) == 0
    assert share_with_partner([7] * 5, batches) == 1


def test_with_77_classes_few_texts_have_a_partner_in_a_batch_of_16() -> None:
    """The expected share is 1 - (1 - 1/77)^15 = 18% with equally frequent classes; all have one in all of train."""
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(77), 8)).tolist()
    batches = np.split(np.arange(len(labels)), range(16, len(labels), 16))
    assert 0.1 < share_with_partner(labels, batches) < 0.25
    pairs = draw_pairs(labels, 1, seed=1, epoch=0).tolist()
    assert len({a for a, b in pairs if labels[a] == labels[b]}) == len(labels)
