"""Copies of texts: removed, kept on demand, never in two splits, and always counted with an example."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.data.copies import TextComparison
from frostline.data.corpus import Corpus, Labelled, RawData
from frostline.data.prepare import prepare
from frostline.data.shifted import shift
from frostline.errors import UserError

WORDS = ("us", "US", "Us", "u s", "polish", "Polish", "march", "March", "turkey", "Turkey", "it", "IT")
BASE = [(f"{name} text {n}", name) for n in range(10) for name in "ab"]
Rows = list[tuple[str, str]]
ROWS: st.SearchStrategy[Rows] = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from("ab")), max_size=30)


def part(rows: Rows) -> Labelled:
    return Labelled([text for text, _ in rows], [label for _, label in rows])


def counts(corpus: Corpus) -> dict[str, int]:
    return {note.name: note.count for note in corpus.notes}


def rows_of(corpus: Corpus) -> list[list[tuple[str, str]]]:
    splits = (corpus.train, corpus.val, corpus.test)
    return [[(str(t), corpus.classes[n]) for t, n in zip(s.texts, s.labels, strict=True)] for s in splits]  # type: ignore[index]


def key(text: str, case_sensitive: bool) -> str:
    words = "".join(text.split())
    return words if case_sensitive else words.lower()


@settings(max_examples=60, deadline=None)
@given(ROWS, st.booleans(), st.booleans())
def test_every_row_is_in_one_split_or_counted(rows: Rows, keep: bool, case: bool) -> None:
    corpus = prepare(RawData(part([*BASE, *rows])), keep_copies=keep, case_sensitive=case)
    splits = rows_of(corpus)
    assert sum(map(len, splits)) + sum(corpus.dropped.values()) == len(BASE) + len(rows)
    seen = [{key(text, case) for text, _ in split} for split in splits]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    first: dict[str, tuple[str, str]] = {}
    expected: Counter[str] = Counter()
    for text, label in [*BASE, *rows]:
        expected[key(text, case)] += label == first.setdefault(key(text, case), (text, label))[1]
    for name, split in zip(("train", "val", "test"), splits, strict=True):
        copies = Counter(key(text, case) for text, _ in split)
        assert all(count == (expected[text] if keep and name == "train" else 1) for text, count in copies.items())
        assert all(label == first[key(text, case)][1] for text, label in split), "the first label is used"


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_notes_count_what_was_done(rows: Rows) -> None:
    corpus = prepare(RawData(part([*BASE, *rows])))
    first: dict[str, tuple[str, str]] = {}
    expected: Counter[str] = Counter()
    for text, label in rows:
        if key(text, False) in first:
            found = first[key(text, False)]
            expected["duplicates" if found[1] == label else "conflicting"] += 1
            expected["case_only"] += key(text, True) != key(found[0], True)
        first.setdefault(key(text, False), (text, label))
    found_counts = counts(corpus)
    assert {name: found_counts.get(name, 0) for name in expected} == dict(expected)
    assert corpus.dropped == {name: n for name, n in expected.items() if n and name != "case_only"}


def test_copies_are_counted_with_an_example_and_kept_in_the_order_of_the_rows() -> None:
    rows = [*BASE, *[("rare text", "b")] * 8, ("last", "a")]
    corpus = prepare(RawData(part(rows)))
    assert [note.message for note in corpus.notes] == [
        "7 texts of train that occur again with their label: left out (dataset.keep_copies=true keeps them)"
        " (first: row 22 and row 21, 'rare text')"
    ]
    for seed in range(20):
        kept = prepare(RawData(part(rows)), keep_copies=True, split_seed=seed)
        number = kept.train.texts.count("rare text")
        assert number in (0, 8) and kept.train.texts == [t for t, _ in rows if t in kept.train.texts]
        assert counts(kept) == ({"kept_copies": 7} if number else {"duplicates": 7})
        assert kept.dropped == ({} if number else {"duplicates": 7})


def test_copies_are_kept_in_folds_and_given_parts_too() -> None:
    rows = [*BASE, *[("rare text", "b")] * 8]
    raw = RawData(part(rows), val=part([("in val", "a"), ("in val 2", "b")]))
    for seed in range(6):
        kept = [prepare(raw, keep_copies=True, folds=4, fold=fold, split_seed=seed) for fold in range(4)]
        numbers = [[split.texts.count("rare text") for split in (c.train, c.val, c.test)] for c in kept]
        assert all(sorted(each) in ([0, 0, 1], [0, 0, 8]) for each in numbers)
        assert all(train in (0, 8) for train, _, _ in numbers) and sum(test for *_, test in numbers) == 1
    few = prepare(RawData(part(rows)), keep_copies=True, shots=3)
    assert len(set(few.train.texts)) == len(few.train.texts) == 6, "shots are different texts"


def test_texts_that_differ_in_case_only_are_told_apart_on_demand() -> None:
    rows = [(f"{word} {n}", label) for n in range(20) for word, label in (("us", "pronoun"), ("US", "country"))]
    with pytest.raises(UserError) as caught:
        prepare(RawData(part(rows)))
    (problem,) = caught.value.problems
    assert "all 20 texts have the label 'pronoun', without repeated texts: 20 texts of train that occur" in problem.what
    assert problem.do.startswith("give dataset.case_sensitive=true if these are different texts; ")
    corpus = prepare(RawData(part(rows)), case_sensitive=True)
    assert sum(map(len, (corpus.train, corpus.val, corpus.test))) == 40 and not corpus.notes


def test_a_shifted_test_set_is_compared_in_the_same_way() -> None:
    home = prepare(RawData(part(BASE)))
    upper = [*((text.upper(), label) for text, label in BASE), ("x", "a")]
    other = prepare(RawData(part([(f"{text} of another", label) for text, label in BASE]), test=part(upper)))
    trained = len(home.train)
    assert shift("other", home, other).dropped == trained
    assert shift("other", home, other, TextComparison(case_sensitive=True)).dropped == 0
