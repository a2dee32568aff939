"""Folds, shots and wrong labels: what holds for every data set, seed and order of rows.

Tests frostline.data.folds.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import cache
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.data.corpus import Corpus, DatasetSource, Labelled, RawData, Split
from frostline.data.datasets.newsgroups import Newsgroups
from frostline.data.datasets.vader import Vader
from frostline.data.prepare import prepare
from frostline.data.splits import normalised, take
from frostline.errors import UserError

SOURCES: dict[str, DatasetSource] = {"tweets": Vader("tweets"), "nyt": Vader("nyt"), "newsgroups": Newsgroups()}
every_source = pytest.mark.parametrize("name", SOURCES)


@cache
def raw(name: str) -> RawData:
    """All of a source's texts; of the long messages every eighth."""
    found = SOURCES[name].load()
    if found.test is None:
        return found
    train, test = (take(part, range(0, len(part.texts), 8)) for part in (found.train, found.test))
    return RawData(train, None, test)


@cache
def corpus(name: str, **options: Any) -> Corpus:
    return prepare(raw(name), **options)


def keys(split: Split) -> set[str]:
    return set(map(normalised, split.texts))


@st.composite
def parts(draw: st.DrawFn) -> Labelled:
    """Texts of two to four classes, twelve to thirty each, some of them in groups."""
    sizes = draw(st.lists(st.integers(12, 30), min_size=2, max_size=4))
    rows = [(f"{name} {number}", name) for name, size in zip("abcd", sizes, strict=False) for number in range(size)]
    return Labelled([text for text, _ in rows], [label for _, label in rows])


def shuffled(part: Labelled, seed: int) -> Labelled:
    order = random.Random(seed).sample(range(len(part.texts)), len(part.texts))
    return Labelled([part.texts[i] for i in order], [part.labels[i] for i in order])


def content(found: Corpus) -> list[set[tuple[str, int]]]:
    return [set(zip(s.texts, s.labels, strict=True)) for s in (found.train, found.val, found.test)]


# Folds


@every_source
def test_each_text_is_held_out_in_one_fold(name: str) -> None:
    """In the test part, or in the validation part where the source has a test part of its own."""
    found = [corpus(name, folds=3, fold=fold) for fold in range(3)]
    held = [keys(each.val if raw(name).test else each.test) for each in found]
    assert not any(one & other for one, other in combinations(held, 2))
    texts = {key for split in (found[0].train, found[0].val, found[0].test) for key in keys(split)}
    own_test = keys(found[0].test) if raw(name).test else set()
    assert set.union(*held) == texts - own_test


@every_source
def test_a_fold_shares_no_text_with_the_parts_that_learn(name: str) -> None:
    found = corpus(name, folds=3, fold=1)
    assert not any(one & other for one, other in combinations(map(keys, (found.train, found.val, found.test)), 2))


def test_a_test_set_of_the_source_stays_the_test_set_of_every_fold() -> None:
    assert corpus("newsgroups", folds=3, fold=2).test == corpus("newsgroups").test


def test_no_group_is_cut_by_a_fold() -> None:
    source = raw("nyt").train
    several = Counter(map(normalised, source.texts))
    group = {normalised(text): own for text, own in zip(source.texts, source.groups or (), strict=True)}
    found = corpus("nyt", folds=5, fold=3)
    held = [{group[key] for key in keys(s) if several[key] == 1} for s in (found.train, found.val, found.test)]
    assert all(held) and not any(one & other for one, other in combinations(held, 2))


def test_folds_of_groups_are_nearly_alike() -> None:
    found = [corpus("nyt", folds=5, fold=fold).test for fold in range(5)]
    sizes = [len(split) for split in found]
    assert max(sizes) - min(sizes) < 0.02 * sum(sizes)
    for label in range(3):
        shares = [split.labels.count(label) / len(split) for split in found]
        assert max(shares) - min(shares) < 0.02


@given(parts(), st.integers(2, 6), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_folds_are_even_in_every_class_whatever_the_order_of_rows(
    part: Labelled, folds: int, seed: int, mix: int
) -> None:
    found = [prepare(RawData(part), folds=folds, fold=fold, split_seed=seed) for fold in range(folds)]
    for count in (
        [len(each.test) for each in found],
        *([each.test.labels.count(c) for each in found] for c in range(len(found[0].classes))),
    ):
        assert max(count) - min(count) <= 1
    turned = prepare(RawData(shuffled(part, mix)), folds=folds, fold=0, split_seed=seed)
    assert content(turned) == content(found[0])


def test_a_given_validation_part_joins_the_folds() -> None:
    train = Labelled([f"{c} {i}" for i in range(12) for c in "ab"], ["a", "b"] * 12)
    val = Labelled([f"more {c} {i}" for i in range(3) for c in "ab"], ["a", "b"] * 3)
    held = [prepare(RawData(train, val), folds=5, fold=fold).test.texts for fold in range(5)]
    assert sorted(text for texts in held for text in texts) == sorted([*train.texts, *val.texts])


# Shots


@every_source
def test_shots_are_so_many_of_each_class_and_more_keep_what_fewer_have(name: str) -> None:
    found = [corpus(name, shots=shots) for shots in (1, 8, 16)]
    for shots, each in zip((1, 8, 16), found, strict=True):
        assert set(Counter(each.train.labels).values()) == {shots}
        assert (each.val, each.test, each.classes) == (corpus(name).val, corpus(name).test, corpus(name).classes)
        assert set(each.train.texts) < set(corpus(name).train.texts)
    assert all(set(less.train.texts) < set(more.train.texts) for less, more in pairwise(found))


def test_the_seed_of_shots_changes_the_shots_alone() -> None:
    one, other = corpus("tweets", shots=8), corpus("tweets", shots=8, shots_seed=1)
    assert (one.val, one.test) == (other.val, other.test)
    assert len(set(one.train.texts) & set(other.train.texts)) < 8


@given(parts(), st.integers(1, 6), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_shots_do_not_depend_on_the_order_of_rows(part: Labelled, shots: int, seed: int, mix: int) -> None:
    one = prepare(RawData(part), shots=shots, shots_seed=seed)
    assert content(one) == content(prepare(RawData(shuffled(part, mix)), shots=shots, shots_seed=seed))


# Wrong labels


@every_source
def test_a_share_of_trains_labels_is_wrong_and_counted(name: str) -> None:
    clean, found = corpus(name), corpus(name, label_noise=0.2)
    assert (found.val, found.test, found.train.texts) == (clean.val, clean.test, clean.train.texts)
    changed = [a for a, b in zip(clean.train.labels, found.train.labels, strict=True) if a != b]
    assert len(changed) == found.noised == round(0.2 * len(clean.train))
    for label, count in Counter(clean.train.labels).items():
        assert abs(changed.count(label) - 0.2 * count) <= 1, "each class gets its share"
    assert found.fingerprint != clean.fingerprint and clean.noised == 0


def test_wrong_labels_are_spread_over_all_other_classes() -> None:
    clean, found = corpus("newsgroups"), corpus("newsgroups", label_noise=1.0)
    pairs = Counter(zip(clean.train.labels, found.train.labels, strict=True))
    assert len(pairs) > 0.9 * 20 * 19 and all(a != b for a, b in pairs)


def test_more_noise_changes_what_less_noise_changes_in_the_same_way() -> None:
    clean = corpus("tweets").train.labels
    less, more = (corpus("tweets", label_noise=share).train.labels for share in (0.1, 0.3))
    assert all(b == c for a, b, c in zip(clean, less, more, strict=True) if a != b)


def test_the_seed_of_noise_changes_which_labels_are_wrong() -> None:
    one, other = (corpus("tweets", label_noise=0.1, noise_seed=seed) for seed in (0, 1))
    assert one.train.texts == other.train.texts and one.train.labels != other.train.labels
    assert (one.val, one.test) == (other.val, other.test)


@given(parts(), st.floats(0, 1), st.integers(0, 3), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_noise_does_not_depend_on_the_order_of_rows(part: Labelled, share: float, seed: int, mix: int) -> None:
    one = prepare(RawData(part), label_noise=share, noise_seed=seed)
    assert content(one) == content(prepare(RawData(shuffled(part, mix)), label_noise=share, noise_seed=seed))


def test_noise_is_of_the_texts_that_are_left() -> None:
    found = corpus("newsgroups", shots=8, label_noise=0.25)
    assert (len(found.train), found.noised) == (160, 40)


# What cannot be drawn

EVEN = Labelled([f"{c} {i}" for i in range(12) for c in "ab"], ["a", "b"] * 12)
RARE = Labelled([*EVEN.texts, "x", "y", "z"], [*EVEN.labels, *"rrr"])
IN_GROUPS = Labelled(EVEN.texts, EVEN.labels, EVEN.labels)
BAD: dict[str, tuple[Labelled, dict[str, Any], str]] = {
    "fold beyond": (EVEN, {"folds": 5, "fold": 5}, "dataset.fold: 5 is beyond the 5 folds, which count from 0; give"),
    "no fold": (EVEN, {"folds": 5}, "dataset.fold: is missing beside dataset.folds=5; give 0 to 4, or sweep over all"),
    "no folds": (EVEN, {"fold": 0}, "dataset.fold: 0, but dataset.folds is null; give dataset.folds too"),
    "one fold": (EVEN, {"folds": 1, "fold": 0}, "dataset.folds: 1 would hold out all texts at once; give 2 or more"),
    "rare": (RARE, {"folds": 5, "fold": 0}, "dataset.folds: 5 folds, but these labels have fewer texts: 'r' (3); choo"),
    "groups": (IN_GROUPS, {"folds": 2, "fold": 0}, "dataset.folds: 2 folds do not leave the label"),
    "no rest": (EVEN, {"folds": 2, "fold": 0, "val_share": 0.5}, "dataset.val_share: 0.5 with one fold of 0.5 leaves"),
    "shots": (RARE, {"shots": 4}, "dataset.shots: 4 texts a class, but train has fewer of: 'r' (1); choose at most 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_drawn_is_told(case: str) -> None:
    part, options, message = BAD[case]
    with pytest.raises(UserError) as caught:
        prepare(RawData(part), **options)
    assert message in str(caught.value)
