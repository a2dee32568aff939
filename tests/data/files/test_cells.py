"""Several labels of a text: in a cell, between separators, or in columns of 0 and 1; never read without being asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.data.datasets.table import Table
from frostline.data.files.cells import items_of_list, separator_of, split_labels
from frostline.data.prepare import prepare
from frostline.errors import UserError

LABEL = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters=";|,/+&"), min_size=1, max_size=5
)
LABELS = st.lists(LABEL, min_size=2, max_size=5, unique=True)


def table(folder: Path, cells: list[str], **options: Any) -> Table:
    quoted = ['"{}"'.format(cell.replace('"', '""')) for cell in cells]
    path = folder / "a.csv"
    path.write_text("text,label\n" + "".join(f"text {n},{cell}\n" for n, cell in enumerate(quoted)), encoding="utf-8")
    return Table(str(path), val=str(path), test=str(path), **options)


@given(LABELS)
def test_a_list_is_read_as_python_and_json_write_it(labels: list[str]) -> None:
    import json

    assert items_of_list(str(labels)) == labels
    if all(label.isprintable() for label in labels):
        assert items_of_list(json.dumps(labels, ensure_ascii=False)) == labels


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("[]", []), ("[a, b c]", ["a", "b c"]), ("{'a'}", ["a"]), ('["it\'s", "b"]', ["it's", "b"]),
        ("['a' 'b']", None), ("a, b", None), ("[a", None), ("['a', 3]", ["a", "3"]), ("['a',]", ["a"]),
    ],
)  # fmt: skip
def test_lists_in_cells(text: str, items: list[str] | None) -> None:
    assert items_of_list(text) == items


@given(st.sampled_from(";|"), LABELS, st.data())
def test_a_separator_is_found_where_labels_are_combined(separator: str, labels: list[str], data: st.DataObject) -> None:
    pairs = data.draw(st.lists(st.tuples(*[st.sampled_from(labels)] * 2), min_size=1).map(set))
    cells = {*labels, *(separator.join(pair) for pair in pairs if pair[0] != pair[1])}
    found = separator_of(cells)
    assert found == (separator if len(cells) > len(labels) else None)
    for cell in cells:
        assert split_labels(cell, found) == cell.split(separator)


@pytest.mark.parametrize(
    "names",
    [
        ["Arts, Crafts & Sewing", "Clothing, Shoes & Jewelry", "Books"],
        ["sport/football", "sport/tennis", "news/world", "news/local"],
        ["science;fiction", "history"],
        ["C++", "C", "C#"],
        ["very good", "good"],
    ],
)
def test_names_of_classes_with_such_characters_are_one_label(tmp_path: Path, names: list[str]) -> None:
    assert separator_of(names) is None
    table(tmp_path, names * 4)
    assert prepare(Table(str(tmp_path / "a.csv")).load()).classes == sorted(names)


WAYS = {
    "python": (["['joy']", "['fear']", "['joy', 'fear']", "['fear', 'joy']"], "dataset.multi_label=true to read"),
    "json": (['["joy"]', '["fear"]', '["joy", "fear"]', '["fear", "joy"]'], "dataset.multi_label=true to read"),
    "bare": (["[joy]", "[fear]", "[joy, fear]", "[fear,joy]"], "dataset.multi_label=true to read"),
    "semicolon": (["joy", "fear", "joy;fear", "fear; joy"], "'dataset.label_separator=\";\"' to read"),
    "bar": (["joy", "fear", "joy|fear", "fear | joy"], "'dataset.label_separator=\"|\"' to read"),
    "comma": (["joy", "fear", "joy,fear", "fear, joy"], "'dataset.label_separator=\",\"' to read"),
    "slash": (["joy", "fear", "joy/fear", "fear/joy"], "dataset.label_separator=/ to read"),
}


@pytest.mark.parametrize("way", WAYS)
def test_several_labels_in_a_cell_are_refused_until_asked_for(tmp_path: Path, way: str) -> None:
    cells, message = WAYS[way]
    with pytest.raises(UserError) as caught:
        table(tmp_path, cells * 3).load()
    assert "dataset.label_column: cells of 'label' in a.csv seem to have several labels, such as " in str(caught.value)
    assert message in str(caught.value) and "dataset.multi_label=false" in str(caught.value)
    raw = table(tmp_path, cells * 3, multi_label=True).load()
    assert list(raw.train.labels) == [("joy",), ("fear",), ("fear", "joy"), ("fear", "joy")] * 3
    assert len(set(table(tmp_path, cells * 3, multi_label=False).load().train.labels)) == 4


def test_a_separator_of_any_length_can_be_given_and_an_empty_cell_has_no_label(tmp_path: Path) -> None:
    raw = table(tmp_path, ["a and b", "b", "", "a"], label_separator=" and ").load()
    assert list(raw.train.labels) == [("a", "b"), ("b",), (), ("a",)]
    assert [(note.name, note.count) for note in raw.notes] == [("without_label", 1)] * 3, "of each part"


def test_columns_of_zeros_and_ones(tmp_path: Path) -> None:
    rows = [("x", "1", "0.0", "true"), ("y", "0", "1.0", "False"), ("z", "0", "0", "0")] * 4
    path = tmp_path / "a.csv"
    path.write_text("text,p,q,r\n" + "".join(f"{t} {n},{p},{q},{r}\n" for n, (t, p, q, r) in enumerate(rows)))
    raw = Table(str(path), label_column=["p", "q", "r"]).load()
    assert list(raw.train.labels) == [("p", "r"), ("q",), ()] * 4
    assert prepare(raw).multi_label
    with pytest.raises(UserError, match=r"give 'dataset.label_column=\[p,q,r\]' to read these columns of 0 and 1"):
        Table(str(path)).load()


def test_a_column_with_other_values_is_refused_with_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,p,q\nx,1,0\ny,-1,0\nz,,1\n")
    with pytest.raises(UserError) as caught:
        Table(str(tmp_path / "a.csv"), label_column=["p", "q"]).load()
    (problem,) = caught.value.problems
    assert problem.what == "2 of 3 cells of 'p' in a.csv are neither 0 nor 1, such as '-1' (rows 2, 3)"


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"label_column": ["p"]}, "dataset.label_column: ['p'] does not name several columns; name one column as NAME"),
    ({"label_column": ["p", "q"], "multi_label": False}, "dataset.multi_label: it is set, but dataset.label_column"),
    ({"label_column": ["p", "text"]}, "dataset.label_column: 'text' is the text column too"),
    ({"multi_label": False, "label_separator": ";"}, "dataset.label_separator: it is set, but dataset.multi_label is"),
    ({"separator": ";;"}, "dataset.separator: ';;' is not one character; give one character, or tab"),
    ({"encoding": "cp1252x"}, "dataset.encoding: Python has no encoding 'cp1252x'; give one such as utf-8"),
]


@pytest.mark.parametrize(("options", "message"), SETTINGS)
def test_settings_that_contradict_each_other(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    (tmp_path / "a.csv").write_text("text,p,q\nx,1,0\ny,0,1\n")
    assert message in "\n".join(map(str, Table(str(tmp_path / "a.csv"), **options).problems()))
