"""Labels have one name each, whatever a file writes, and numbers are in order of their value."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.data.datasets.table import Table
from frostline.data.label_names import class_of_spelling, similar_names, sorted_names, spelled_differently, spelling
from frostline.data.prepare import prepare
from frostline.errors import UserError

WHOLE = st.integers(-(10**30), 10**30)


def named(*parts: set[Any]) -> dict[Any, str]:
    return class_of_spelling(parts)


@given(WHOLE, st.integers(0, 3))
def test_a_whole_number_has_one_name_however_it_is_written(number: int, zeros: int) -> None:
    texts = {str(number), f"{number}.{'0' * (zeros + 1)}", f" {number}"} | ({f"+{number}"} if number >= 0 else set())
    assert set(named(texts, {"other"}).values()) == {str(number), "other"}


@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=1, unique=True), st.booleans())
def test_numbers_have_the_same_name_as_text_and_as_number(numbers: list[Decimal], floats: bool) -> None:
    texts = {str(number) for number in numbers}
    typed = {spelling(float(number) if floats else number) for number in numbers}
    classes = named(texts, typed)
    assert len(set(classes.values())) == len(numbers)
    assert sorted_names(set(classes.values())) == sorted(set(classes.values()), key=Decimal)


@pytest.mark.parametrize(
    "text", ["007", "1e5", "1_000", "NA", "null", "None", "nan", "inf", "1.", ".5", "0x1", "٣", "1,0"]
)
def test_what_is_no_plain_number_stays_as_it_is_written(text: str) -> None:
    assert named({text, "7", "100000", "1.0"})[text] == text


def test_true_and_false_are_one_class_each() -> None:
    assert named({True, False}, {"True", "FALSE"}, {"true"}) == {
        True: "true", False: "false", "True": "true", "FALSE": "false", "true": "true",
    }  # fmt: skip
    assert named({"True", "Mostly true"}, {"true"})["True"] == "True", "text among other texts stays as it is"
    assert named({"True", "unknown"}, {True})["True"] == "true"


def test_sections_are_no_fractions() -> None:
    assert named({"1.1", "1.10"})["1.10"] == "1.10"
    assert named({"1.5"}, {"1.50"})["1.50"] == "1.5"


def test_classes_in_several_ways_and_classes_that_look_alike() -> None:
    assert spelled_differently(named({"1.0", "x"}, {"1"})) == {"1": ["1", "1.0"]}
    assert similar_names(["pos", "Pos", "é", "e\u0301", "very good", "verygood", "neg"]) == [
        ["Pos", "pos"], ["e\u0301", "é"], ["very good", "verygood"],
    ]  # fmt: skip


@given(st.lists(st.one_of(WHOLE.map(str), st.floats(-9, 9).map("{:.3f}".format), st.text(max_size=3)), unique=True))
def test_names_are_in_one_order(names: list[str]) -> None:
    assert sorted_names(names) == sorted_names(names[::-1])
    assert sorted_names(["b", "10", "-2", "9", "1.5", "a", "007"]) == ["-2", "1.5", "007", "9", "10", "a", "b"]


def test_one_class_in_files_that_write_it_differently(tmp_path: Path) -> None:
    rows = [(f"text {n}", n % 2) for n in range(8)]
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"{t},{label}.0\n" for t, label in rows))
    (tmp_path / "b.jsonl").write_text(
        "".join(json.dumps({"text": f"{t} b", "label": label}) + "\n" for t, label in rows)
    )
    pq.write_table(
        pa.table({"text": [f"{t} c" for t, _ in rows], "label": [float(n) for _, n in rows]}), tmp_path / "c.parquet"
    )
    raw = Table(*(str(tmp_path / name) for name in ("a.csv", "b.jsonl", "c.parquet"))).load()
    assert prepare(raw).classes == ["0", "1"]
    assert [note.message for note in raw.notes] == [
        "classes that are written in several ways: '0' ('0', '0.0'), '1' ('1', '1.0')"
    ]


def test_true_of_json_is_true_of_csv(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"t{n},{n % 2 == 0}\n" for n in range(8)))
    rows = [{"text": f"u{n}", "label": n % 2 == 0} for n in range(8)]
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    raw = Table(str(tmp_path / "a.csv"), test=str(tmp_path / "b.jsonl")).load()
    assert prepare(raw).classes == ["false", "true"]


def test_a_code_is_no_number_and_two_files_must_agree(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"t{n},00{n % 2}\n" for n in range(8)))
    (tmp_path / "b.csv").write_text("text,label\n" + "".join(f"u{n},{n % 2}\n" for n in range(8)))
    with pytest.raises(UserError, match="it has labels that train lacks: '0', '1'"):
        Table(str(tmp_path / "a.csv"), test=str(tmp_path / "b.csv")).load()
