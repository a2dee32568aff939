"""Tables as people write them, drawn at random: several labels a text, pairs, half an emoji, other separators.

They are read by frostline.data.files.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from frostline.data.corpus import RawData
from frostline.data.datasets.table import Table
from frostline.errors import UserError

NAMES = ("joy", "fear", "anger", "love of art")
SETS = st.lists(st.sets(st.sampled_from(NAMES), min_size=1), min_size=6, max_size=20)
CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf"))
REPLACEMENT = "\ufffd"
HALVES = st.sampled_from("\ud83d\ude00\ud800\udfff")
pytestmark = pytest.mark.filterwarnings("error")


def load(content: str, name: str = "a.csv", **options: Any) -> RawData:
    """Read a file that is every part of its data set."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(content, encoding="utf-8", newline="")
        return Table(str(path), val=str(path), test=str(path), **options).load()


def written(rows: list[list[str]], separator: str = ",") -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator).writerows(rows)
    return file.getvalue()


@settings(max_examples=40, deadline=None)
@given(SETS, st.sampled_from([";", "|", ", ", " / ", "python", "json"]), st.data())
def test_several_labels_in_a_cell_are_a_set_and_refused_until_asked_for(
    sets: list[set[str]], way: str, data: st.DataObject
) -> None:
    assume(len(set().union(*sets)) > 1 and any(len(each) > 1 for each in sets))
    orders = [data.draw(st.permutations(sorted(each))) for each in sets]
    if way in ("python", "json"):
        cells = [str(order) if way == "python" else json.dumps(order) for order in orders]
    else:  # each label is alone in a cell too, which shows that they are labels
        sets = [*sets, *({name} for name in NAMES)]
        cells = [*map(way.join, orders), *NAMES]
    content = written([["text", "label"], *([f"text {n}", cell] for n, cell in enumerate(cells))])
    assert [set(label) for label in load(content, multi_label=True).train.labels] == sets
    with pytest.raises(UserError, match=r"seem to have several labels, such as .*dataset\.multi_label"):
        load(content)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from(NAMES)), min_size=4, max_size=20),
    st.sampled_from([("0", "1"), ("0.0", "1.0"), ("false", "true"), ("False", "True")]),
    st.permutations(["text", *NAMES]),
)
def test_a_column_for_each_label_is_read_in_any_order_and_spelling(
    sets: list[set[str]], spelling: tuple[str, str], columns: list[str]
) -> None:
    assume(len(set().union(*sets)) > 1)
    rows = [
        [f"text {n}" if column == "text" else spelling[column in each] for column in columns]
        for n, each in enumerate(sets)
    ]
    raw = load(written([columns, *rows]), label_column=list(NAMES))
    assert [set(label) for label in raw.train.labels] == sets
    assert list(raw.train.texts) == [f"text {n}" for n in range(len(sets))]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.text(CHARACTERS, max_size=6), st.none() | HALVES), min_size=2, max_size=12))
def test_half_of_a_surrogate_pair_is_replaced_and_counted_and_a_whole_one_stays(
    texts: list[tuple[str, str | None]],
) -> None:
    """json.dumps writes 😀 as two escapes, which together are a character and each alone are none."""
    rows = [{"text": f"a 😀 {text}{half or ''} z", "label": "pq"[n % 2]} for n, (text, half) in enumerate(texts)]
    raw = load("".join(json.dumps(row) + "\n" for row in rows), "a.jsonl")
    assert list(raw.train.texts) == [f"a 😀 {text}{REPLACEMENT * bool(half)} z" for text, half in texts]
    counts = [note.count for note in raw.notes if note.name == "surrogates"]
    assert counts == [sum(half is not None for _, half in texts)] * 3 or (not counts and not any(h for _, h in texts))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(["", " ", "one word", "NA", "null"])] * 2), min_size=2, max_size=15))
def test_one_text_of_a_pair_may_be_empty_and_not_both(pairs: list[tuple[str, str]]) -> None:
    rows = [["title", "body", "label"], *([first, second, "pq"[n % 2]] for n, (first, second) in enumerate(pairs))]
    both = [row for row, pair in enumerate(pairs, start=1) if not any(text.strip() for text in pair)]
    if both:
        with pytest.raises(UserError, match=rf"both texts are empty in {len(both)} of {len(pairs)} rows"):
            load(written(rows), text_column=["title", "body"])
        return
    raw = load(written(rows), text_column=["title", "body"])
    assert [tuple(part.strip() for part in text) for text in raw.train.texts] == [
        (first.strip(), second.strip()) for first, second in pairs
    ]
    halves = sum(not all(text.strip() for text in pair) for pair in pairs)
    assert [note.count for note in raw.notes if note.name == "empty_halves"] == [halves] * 3 * bool(halves)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(";\t|"),
    st.lists(st.text(st.sampled_from('ab é,;\t|"'), min_size=1, max_size=8), min_size=2, max_size=15),
    st.booleans(),
)
def test_a_file_with_another_separator_is_read_right_and_said(separator: str, texts: list[str], mark: bool) -> None:
    rows = [[f"t{text}t", "pq"[n % 2]] for n, text in enumerate(texts)]
    raw = load("\ufeff" * mark + written([["text", "label"], *rows], separator))
    assert list(raw.train.texts) == [text for text, _ in rows]
    assert [note.name for note in raw.notes][:1] == ["separator"]
