"""What every Corpus must hold, on real data and on small made data."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import combinations, pairwise
from typing import Any

import pytest

from frostline.data.build import prepare_corpus
from frostline.data.corpus import Corpus, DatasetSource, Labelled, RawData, Split
from frostline.data.datasets.newsgroups import Newsgroups
from frostline.data.datasets.vader import Vader
from frostline.data.prepare import class_names, prepare
from frostline.errors import UserError

SOURCES: dict[str, DatasetSource] = {
    "movies": Vader("movies"),
    "tweets": Vader("tweets"),
    "nyt": Vader("nyt"),
    "amazon": Vader("amazon"),
    "newsgroups": Newsgroups(),
}
SIZES = {
    "movies": (7422, 1060, 2121),
    "tweets": (2898, 414, 828),
    "nyt": (3585, 513, 1021),
    "amazon": (2592, 364, 741),
    "newsgroups": (10139, 1126, 7528),
}
DROPPED = {
    "movies": {"duplicates": 2},
    "tweets": {"duplicates": 60},
    "nyt": {"duplicates": 63, "conflicting": 8},
    "amazon": {"duplicates": 9, "conflicting": 2},
    "newsgroups": {"train_in_test": 7, "duplicates": 17, "conflicting": 4},
}
every_source = pytest.mark.parametrize("name", SOURCES)


@cache
def raw(name: str) -> RawData:
    return SOURCES[name].load()


@cache
def corpus(name: str, **settings: Any) -> Corpus:
    return prepare(raw(name), **settings)


def splits(corpus: Corpus) -> dict[str, Split]:
    return {"train": corpus.train, "val": corpus.val, "test": corpus.test}


def shares(labels: list[int]) -> dict[int, float]:
    return {label: count / len(labels) for label, count in Counter(labels).items()}


def made(per_class: int = 20, classes: str = "ab") -> Labelled:
    rows = [(f"{name} text {number}", name) for number in range(per_class) for name in classes]
    return Labelled([text for text, _ in rows], [label for _, label in rows])


@every_source
def test_sizes_and_what_was_dropped_are_those_measured(name: str) -> None:
    found = corpus(name)
    assert tuple(map(len, splits(found).values())) == SIZES[name]
    assert found.dropped == DROPPED[name]


@every_source
def test_no_text_stands_in_two_splits(name: str) -> None:
    seen = {
        part: {"".join(text.lower().split()) for text in split.texts} for part, split in splits(corpus(name)).items()
    }
    for one, other in combinations(seen, 2):
        assert not {text for text in seen[one] & seen[other] if text}


@every_source
def test_no_text_stands_twice_in_train(name: str) -> None:
    texts = ["".join(text.lower().split()) for text in corpus(name).train.texts]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("name", ["nyt", "amazon"])
def test_no_group_stands_in_two_splits(name: str) -> None:
    source = raw(name).train
    assert source.groups is not None
    several = Counter("".join(text.casefold().split()) for text in source.texts)
    group = {text.strip(): own for text, own in zip(source.texts, source.groups, strict=True)}
    unique = {text for text in group if several["".join(text.casefold().split())] == 1}
    held = [{group[text] for text in split.texts if text in unique} for split in splits(corpus(name)).values()]
    assert all(held) and not any(one & other for one, other in combinations(held, 2))


@every_source
def test_each_cut_split_has_the_label_shares_of_train_within_a_point(name: str) -> None:
    found = corpus(name)
    cut = [found.val] if raw(name).test else [found.val, found.test]
    expected = shares(found.train.labels)
    for split in cut:
        assert all(abs(shares(split.labels)[label] - share) < 0.01 for label, share in expected.items())


@every_source
def test_the_same_settings_give_the_same_corpus(name: str) -> None:
    assert prepare(raw(name)) == corpus(name)


@every_source
def test_the_split_seed_changes_the_split_and_nothing_else(name: str) -> None:
    one, other = corpus(name), corpus(name, split_seed=1)
    assert one.fingerprint != other.fingerprint and set(one.val.texts) != set(other.val.texts)
    assert one.classes == other.classes and one.dropped == other.dropped


@every_source
def test_larger_caps_contain_smaller_ones_and_move_no_text(name: str) -> None:
    sizes = (30, 333, None)
    found = [corpus(name, max_train=size, max_val=100, max_test=200) for size in sizes]
    for smaller, larger in pairwise(found):
        assert set(smaller.train.texts) < set(larger.train.texts)
        assert smaller.val == larger.val and smaller.test == larger.test
    assert [len(each.train) for each in found[:-1]] == list(sizes[:-1])
    assert set(found[-1].val.texts) < set(corpus(name).val.texts)


@every_source
def test_a_capped_split_keeps_the_label_shares_within_a_point(name: str) -> None:
    expected = shares(corpus(name).train.labels)
    capped = shares(corpus(name, max_train=500).train.labels)
    assert all(abs(capped[label] - share) < 0.01 for label, share in expected.items())


@every_source
def test_labels_still_belong_to_their_texts(name: str) -> None:
    source, found = raw(name), corpus(name)
    rows: dict[str, set[str]] = {}
    for part in (source.train, source.test):
        for text, label in zip(part.texts, part.labels, strict=True) if part else ():
            rows.setdefault(text.strip(), set()).add(label)
    for split in splits(found).values():
        for text, index in zip(split.texts, split.labels, strict=True):
            assert found.classes[index] in rows[text]


def test_a_given_test_set_stays_as_it_is() -> None:
    test = raw("newsgroups").test
    assert test is not None and corpus("newsgroups").test.texts == [text.strip() for text in test.texts]


def test_the_split_of_a_text_does_not_depend_on_the_order_of_rows() -> None:
    part = raw("tweets").train
    turned = Labelled(part.texts[::-1], part.labels[::-1])
    one, other = prepare(RawData(part)), prepare(RawData(turned))
    for split, turned_split in zip(splits(one).values(), splits(other).values(), strict=True):
        assert set(map(str.casefold, split.texts)) == set(map(str.casefold, turned_split.texts))


def test_rows_keep_the_sources_order() -> None:
    part = made()
    found = prepare(RawData(part), max_train=10)
    for split in splits(found).values():
        assert split.texts == [text for text in part.texts if text in split.texts]


def test_train_yields_to_val_and_both_yield_to_test() -> None:
    train = Labelled([*made().texts, "In  TEST", "in val", " ", "a TEXT 0"], [*made().labels, *"abab"])
    val = Labelled(["in val", "in test", "more"], ["a", "b", "b"])
    test = Labelled(["in test", "In Test"], ["a", "a"])
    found = prepare(RawData(train, val, test))
    assert found.dropped == {"val_in_test": 1, "train_in_test": 1, "train_in_val": 1, "empty": 1, "conflicting": 1}
    assert found.test.texts == ["in test", "In Test"] and found.val.texts == ["in val", "more"]
    assert found.train.texts == list(made().texts), "of two labels the first counts"


def test_a_text_with_two_labels_is_said() -> None:
    corpus = prepare_corpus(RawData(Labelled([*made().texts, "a text 0"], [*made().labels, "b"])), {})
    assert [note.message for note in corpus.notes] == [
        "1 text of train that occur again with another label: left out, and the first label is used"
        " (first: row 41 and row 1, 'a text 0', with 'b' and 'a')"
    ]


def test_shares_count_from_all_texts() -> None:
    found = prepare(RawData(made(100)), val_share=0.25, test_share=0.25)
    assert [len(split) for split in splits(found).values()] == [100, 50, 50]


def test_each_class_stands_in_each_split_however_rare_it_is() -> None:
    part = made(200)
    rare = Labelled([*part.texts, "x", "y", "z"], [*part.labels, "r", "r", "r"])
    for seed in range(20):
        found = prepare(RawData(rare), split_seed=seed, val_share=0.01, test_share=0.9)
        assert all(set(split.labels) == {0, 1, 2} for split in splits(found).values())


def test_classes_are_sorted_by_name_and_numbers_by_value() -> None:
    assert class_names(["b", "a", "10", "9"]) == ["9", "10", "a", "b"]
    assert class_names(["10", "2", "1", "2"]) == ["1", "2", "10"]


def test_the_fingerprint_tells_any_change_of_the_content() -> None:
    base = made()
    prints = {
        prepare(RawData(base)).fingerprint,
        prepare(RawData(base), max_train=20).fingerprint,
        prepare(RawData(base), split_seed=3).fingerprint,
        prepare(RawData(Labelled(["a text 0.", *base.texts[1:]], base.labels))).fingerprint,
        prepare(RawData(Labelled(base.texts, ["c" if label == "b" else label for label in base.labels]))).fingerprint,
    }
    assert len(prints) == 5


BAD: dict[str, tuple[RawData, dict[str, Any], str]] = {
    "one class": (RawData(made(classes="a")), {}, "dataset.train: all 20 texts have the label 'a'; a classifier needs"),
    "no texts": (RawData(Labelled([], [])), {}, "dataset.train: it has no texts; give at least two"),
    "stranger": (
        RawData(made(), test=Labelled(["x"], ["q"])),
        {},
        "dataset.test: it has labels that train lacks: 'q'; add such texts to train or remove them here",
    ),
    "rare": (
        RawData(Labelled([*made().texts, "x"], [*made().labels, "r"])),
        {},
        "dataset.train: too few texts for train, val, test, each of which needs one: 'r' (1); add",
    ),
    "rare once repeats are gone": (
        RawData(Labelled([*made().texts, "x", "X", "x "], [*made().labels, *"rrr"])),
        {},
        "each of which needs one: 'r' (1)",
    ),
    "shares": (
        RawData(made()),
        {"val_share": 0.5, "test_share": 0.5},
        "dataset.val_share: 0.5 with test_share 0.5 leaves nothing to train on; choose shares with a sum below 1",
    ),
    "groups": (
        RawData(Labelled(made().texts, made().labels, made().labels)),
        {},
        "dataset.test_share: no stratified cut leaves the label",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_data_that_cannot_be_trained_on_is_a_user_error_that_says_why(case: str) -> None:
    data, settings, message = BAD[case]
    with pytest.raises(UserError) as caught:
        prepare(data, **settings)
    assert message in str(caught.value)
