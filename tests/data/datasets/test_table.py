"""A user's own files: every mistake is told with its key, and all at once.

Tests frostline.data.files.table_files.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from frostline.data.datasets.table import Table
from frostline.data.prepare import prepare
from frostline.errors import UserError

ROWS = [(f"text {number}, of “{label}”", label) for number in range(6) for label in ("no", "yes")]


def csv(path: Path, rows: list[tuple[str, str]], header: str = "text,label") -> str:
    quoted = ['"{}",{}'.format(text.replace('"', '""'), label) if text else f",{label}" for text, label in rows]
    path.write_text("\n".join([header, *quoted]) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def good(tmp_path: Path) -> str:
    return csv(tmp_path / "train.csv", ROWS)


def told(table: Table) -> list[str]:
    with pytest.raises(UserError) as caught:
        table.load()
    assert caught.value.problems == table.problems()
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_each_format_gives_the_same_texts_and_labels(tmp_path: Path, ending: str) -> None:
    frame, file = pd.DataFrame(ROWS, columns=["text", "label"]), tmp_path / f"train.{ending}"
    if ending == "parquet":
        frame.to_parquet(file)
    elif ending == "jsonl":
        frame.to_json(file, orient="records", lines=True)
    else:
        frame.to_csv(file, index=False, sep="," if ending == "csv" else "\t")
    table = Table(str(file))
    raw = table.load()
    assert list(zip(raw.train.texts, raw.train.labels, strict=True)) == ROWS
    assert raw.val is None and raw.test is None and table.problems() == [] and table.downloads() == []


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("kind", ["int64", "float64"])
def test_whole_numbers_as_labels_stay_readable(tmp_path: Path, ending: str, kind: str) -> None:
    frame, file = pd.DataFrame({"text": list("abcdef"), "label": [1, 2, 10] * 2}), tmp_path / f"train.{ending}"
    if ending == "parquet":
        frame.astype({"label": kind}).to_parquet(file)
    elif ending == "jsonl":
        lines = [{"text": text, "label": 1.0 * label if kind == "float64" else label} for text, label in frame.values]
        file.write_text("\n".join(map(json.dumps, lines)))
    else:
        frame.to_csv(file, index=False)
    table = Table(str(file), val=str(file), test=str(file))
    assert list(table.load().train.labels) == ["1", "2", "10"] * 2


def test_words_that_programs_take_for_nothing_are_labels_and_texts(tmp_path: Path) -> None:
    rows = [(text, label) for text in ("NA", "null", "None", "nan") for label in ("None", "NA")]
    raw = Table(csv(tmp_path / "a.csv", rows)).load()
    assert set(raw.train.labels) == {"None", "NA"} and raw.train.texts[0] == "NA"


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, good: str) -> None:
    marked = tmp_path / "marked.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + Path(good).read_bytes())
    assert Table(str(marked)).load() == Table(good).load()


def test_a_table_becomes_a_corpus(good: str) -> None:
    corpus = prepare(Table(good).load())
    assert corpus.classes == ["no", "yes"] and all(map(len, (corpus.train, corpus.val, corpus.test)))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    train = csv(tmp_path / "train.csv", [("", "a"), ("x", "b"), ("y", "")], header="text,lable")
    found = told(Table(train, val=str(tmp_path), test=str(tmp_path / "test.csv")))
    assert found == [
        f"dataset.val: {tmp_path} is a folder; name one file in it",
        f"dataset.test: no file {tmp_path}/test.csv (looked in {Path.cwd()}); correct the path; there: train.csv",
        "dataset.label_column: train.csv has no column 'label'; did you mean lable? (columns: text, lable)",
        "dataset.text_column: 1 of 3 cells of 'text' in train.csv are empty (rows 1); fill these rows or remove them",
    ]


def test_an_unknown_ending_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("x")
    assert told(Table(str(tmp_path / "a.xlsx"))) == [
        f"dataset.train: {tmp_path}/a.xlsx has an unknown ending; use one of: .csv, .tsv, .jsonl, .parquet"
    ]


@pytest.mark.parametrize("content", ["", "text,label\n", "\n\n"])
@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_an_empty_file_is_told(tmp_path: Path, content: str, ending: str) -> None:
    if ending == "jsonl" and "text" in content:
        return
    file = tmp_path / f"a.{ending}"
    file.write_text(content)
    assert told(Table(str(file))) == [f"dataset.train: {file} is empty; give a file with a header and rows"]


CONTENTS = {
    "latin.csv": (
        "text,label\ncaf\xe9,a\n".encode("latin-1"),
        "is not a text file in UTF-8 (byte 14 is not UTF-8); save it as UTF-8, or give its encoding:"
        " with dataset.encoding=cp1252, line 2 reads 'café,a'",
    ),
    "zip.csv": (b"PK\x03\x04\0\0\0text", "is not a text file (it contains zero bytes); save it as UTF-8"),
    "wide.csv": (b"text,label\na,b\nc,d,e\n", "cannot be parsed (expected 2 cells in line 3, saw 3); put texts"),
    "all_wide.csv": (b"text,label\na,b,c\nc,d,e\n", "cannot be parsed (expected 2 cells in line 2, saw 3); put texts"),
    "narrow.csv": (b"text,label\na,b\n\nc\n", "cannot be parsed (expected 2 cells in line 4, saw 1); put texts"),
    "wide.tsv": (
        b'text\tlabel\n"a\tb"\tc\n',
        "cannot be parsed (expected 2 cells in line 2, saw 3); give dataset.quoting=true if cells are in quotation",
    ),
    "open.csv": (
        b'text,label\na,b\n"c,d\n',
        "cannot be parsed (the row in line 3 has a quotation mark that is not closed before the end of the file);"
        " write a quotation mark within a cell twice, or give dataset.quoting=false if it is an ordinary character",
    ),
    "after.csv": (
        b'text,label\n"a" b,c\n',
        "cannot be parsed (in line 2 a text follows a closing quotation mark); write a quotation mark within",
    ),
    "twice.csv": (b"text,text,label\na,b,c\n", "has 2 columns called 'text'; rename or remove all but one"),
    "cut.jsonl": (b'{"text": "a", "label": "b"}\n{"text": \n', "cannot be parsed (line 2: Expecting value); write one"),
    "list.jsonl": (b"[1, 2]\n", "is not a list of objects; write a list of objects, or one a line"),
    "number.jsonl": (b'{"text": "a"}\n3\n', "cannot be parsed (line 2 is not an object); write one object a line"),
    "twice.jsonl": (
        b'{"text": "a", "label": "b", "label": "c"}\n',
        "has an object with two values of 'label', the second of which is 'c'; rename or remove one",
    ),
    "text.parquet": (b"text,label\na,b\n", "cannot be parsed as parquet; write the file again or correct its ending"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path, name: str) -> None:
    content, message = CONTENTS[name]
    (tmp_path / name).write_bytes(content)
    (found,) = told(Table(str(tmp_path / name)))
    assert found.startswith(f"dataset.train: {tmp_path / name} {message}")


def test_empty_cells_are_counted_and_the_first_rows_named(tmp_path: Path) -> None:
    rows = [("" if number % 2 else f"t {number}", "  " if number == 3 else "a") for number in range(16)]
    assert told(Table(csv(tmp_path / "a.csv", rows))) == [
        "dataset.text_column: 8 of 16 cells of 'text' in a.csv are empty (rows 2, 4, 6, 8, 10 and 3 more);"
        " fill these rows or remove them",
        "dataset.label_column: 1 of 16 cells of 'label' in a.csv are empty (rows 4); fill these rows or remove them",
    ]


def test_numbers_are_no_texts(tmp_path: Path) -> None:
    found = told(Table(csv(tmp_path / "a.csv", [("1", "a"), ("2.5", "b")])))
    assert found == [
        "dataset.text_column: the column 'text' of a.csv contains numbers, not texts ('1', '2.5');"
        " name the column of the texts"
    ]


def test_texts_of_mixed_kinds_and_labels_that_are_objects_are_told(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(json.dumps({"text": text, "label": {"x": 1}}) for text in ("a", 1)))
    assert told(Table(str(file))) == [
        "dataset.text_column: the column 'text' of a.jsonl contains not only texts but also int;"
        " name the column of the texts",
        "dataset.label_column: the column 'label' of a.jsonl contains objects or lists of lists;"
        " name a column with one label or one list of labels a text",
    ]


def test_one_column_cannot_be_both(good: str) -> None:
    assert "dataset.label_column: 'text' is the text column too; name the column of the labels" in told(
        Table(good, label_column="text")
    )


def test_a_column_far_from_all_names_lists_them(good: str) -> None:
    assert told(Table(good, text_column="zzz")) == [
        "dataset.text_column: train.csv has no column 'zzz'; choose one of them (columns: text, label)"
    ]


def test_one_class_unknown_labels_and_rare_labels_are_told(tmp_path: Path) -> None:
    train = csv(tmp_path / "train.csv", [("x", "a"), ("y", "a")])
    test = csv(tmp_path / "test.csv", [("x", "c"), ("z", "b")])
    assert told(Table(train, test=test)) == [
        "dataset.train: all 2 texts have the label 'a'; a classifier needs two classes or more:"
        " correct dataset.label_column",
        "dataset.test: it has labels that train lacks: 'b', 'c'; add such texts to train or remove them here",
    ]
    rare = csv(tmp_path / "rare.csv", [*ROWS, ("x", "a")])
    assert told(Table(rare)) == [
        "dataset.train: too few texts for train, val, test, each of which needs one: 'a' (1);"
        " add texts, remove these labels, or give the other parts as files"
    ]
