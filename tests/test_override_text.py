"""A value is printed as it must be typed: the shell and Hydra read the same text from it."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from frostline.config.jobs import jobs_of_command
from frostline.errors import UserError
from frostline.override_text import override_text, override_words

VALUES = st.text(
    st.one_of(
        st.characters(codec="utf-8", exclude_categories=["C"]), st.sampled_from("'\"\\ =~(),[]{}:;é文本$#&!`*?<>")
    ),
    min_size=1,
)


def parsed(typed: str) -> object:
    """Return the value of an override that is typed in a shell."""
    (word,) = shlex.split(typed)
    (override,) = OverridesParser.create().parse_overrides([word])
    return override.value()


@given(VALUES)
def test_hydra_reads_the_text_that_was_meant(value: str) -> None:
    typed = override_text("dataset.train", value)
    (word,) = shlex.split(typed)
    assert str(parsed(typed)) == value or word == f"dataset.train={value}"


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_hydra_reads_the_list_that_was_meant(values: list[str]) -> None:
    found = parsed(override_text("dataset.label_column", values))
    assert isinstance(found, list) and len(found) == len(values)


@pytest.mark.parametrize(
    "value",
    ["~/my (1)/données=é.csv", "文本.csv", "it's.csv", "a=b.csv", "~/a.csv", "/tmp/a (copy).csv", "a;b.csv", 'a"b.csv'],
)
def test_a_value_that_is_not_quoted_is_one_problem_with_the_line_to_type(value: str) -> None:
    with pytest.raises(UserError) as caught:
        jobs_of_command(["dataset=table", f"dataset.train={value}"])
    (problem,) = caught.value.problems
    assert problem.key == "dataset.train" and problem.do.startswith("type ")
    typed = problem.do.removeprefix("type ")
    assert parsed(typed) == value
    with pytest.raises(UserError) as caught:
        jobs_of_command(["dataset=table", *shlex.split(typed)])
    assert "dataset.train: no file" in str(caught.value), "it is read, and ~ is the home folder"


SCALARS = st.one_of(
    VALUES, st.text("0123456789.e-", min_size=1), st.sampled_from(["true", "null", "", "007", "nan", "1e3"])
)
SCALARS = st.one_of(SCALARS, st.integers(-(10**12), 10**12), st.floats(allow_nan=False), st.booleans(), st.none())


@given(st.one_of(SCALARS, st.lists(SCALARS, max_size=3)))
def test_hydra_reads_the_value_that_was_given_in_python(value: object) -> None:
    (word,) = override_words({"dataset.train": value}, {})
    (override,) = OverridesParser.create().parse_overrides([word])
    assert override.value() == value and type(override.value()) is type(value)


@given(st.lists(st.one_of(SCALARS, st.lists(SCALARS, max_size=2)), min_size=2, max_size=4))
def test_a_list_is_the_values_of_a_sweep(values: list[object]) -> None:
    (word,) = override_words((), {"seed": values}, sweep=True)
    (override,) = OverridesParser.create().parse_overrides([word])
    assert override.is_sweep_override()
    read = [one if isinstance(one, list) else override._convert_value(one) for one in override.value().list]
    assert [override._convert_value(one) for one in read] == values


def test_overrides_of_all_forms_are_the_same_words() -> None:
    words = ["freezing=frozen", "optimizer.lr=0.01", "dataset.train='my data.csv'"]
    assert override_words(words, {}) == words
    assert override_words("freezing=frozen optimizer.lr=0.01 \"dataset.train='my data.csv'\"", {}) == words
    values = {"optimizer": {"lr": np.float64(0.01)}, "dataset": {"train": Path("my data.csv")}}
    assert override_words({"freezing": "frozen"}, values) == [*words[:2], 'dataset.train="my data.csv"']
