"""Labels that are scores, identifiers or too many classes, and classes that a part lacks, are said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.data.checks import label_problems, look_like_scores
from frostline.data.corpus import Label, Labelled, RawData
from frostline.data.prepare import prepare


def part(labels: list[str]) -> Labelled:
    of_class: list[Label] = list(labels)
    return Labelled([f"text {n} of {label}" for n, label in enumerate(labels)], of_class)


def notes(raw: RawData) -> dict[str, str]:
    return {note.name: note.message for note in prepare(raw).notes}


@settings(max_examples=30, deadline=None)
@given(st.integers(10, 40), st.integers(4, 8))
def test_many_different_numbers_are_scores(number: int, texts: int) -> None:
    labels = [f"{n / 10:.1f}".removesuffix(".0") for n in range(number)]
    message = notes(RawData(part(labels * texts)))["scores"]
    assert f"{number} different numbers from 0 to {labels[-1]}" in message


@pytest.mark.parametrize(
    "names",
    [
        list(map(str, range(1, 6))),
        [f"{n / 2:g}" for n in range(2, 11)],
        [f"{n:03}" for n in range(40)],
        list("abc"),
        list(map(str, range(19))),
    ],
)
def test_ratings_and_codes_are_no_scores(names: list[str]) -> None:
    assert look_like_scores(names) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(12, 200), st.integers(0, 5), st.booleans())
def test_identifiers_are_refused(number: int, repeated: int, numbers: bool) -> None:
    labels = [f"{n * 0.37:.2f}" if numbers else f"id-{n}" for n in range(number)]
    problems = label_problems(RawData(part([*labels, *labels[:repeated]])))
    assert [problem.key for problem in problems] == ["dataset.label_column"]
    assert f"{number} labels for {number + repeated} texts, of which {number - repeated} occur once" in problems[0].what
    assert ("regression" in problems[0].do) == numbers


def test_one_text_a_class_with_a_test_set_is_allowed() -> None:
    classes = [f"class {n}" for n in range(30)]
    raw = RawData(part(classes), val=part(classes), test=part(classes * 2))
    assert label_problems(raw) == []


def test_many_classes_with_few_texts() -> None:
    labels = [f"class {n}" for n in range(20)] * 3 + ["large"] * 20
    message = notes(RawData(part(labels)))["few_texts"]
    assert message == (
        "20 of 21 classes have fewer than 5 texts for training: 'class 0' (3), 'class 1' (3), 'class 10' (3),"
        " 'class 11' (3), 'class 12' (3) and 15 more"
    )
    assert notes(RawData(part(["a", "b"] * 20))) == {}


def test_classes_that_a_part_lacks() -> None:
    raw = RawData(part(list("abc") * 9), val=part(["a", "b"] * 3), test=part(["c"] * 3))
    found = notes(
        RawData(raw.train, *(Labelled([f"{t} v" for t in p.texts], p.labels) for p in (raw.val, raw.test) if p))
    )
    assert found == {
        "absent_in_val": "val has no text of 1 of 3 classes: 'c'",
        "absent_in_test": "test has no text of 2 of 3 classes: 'a', 'b'",
    }
