"""csv and tsv files: quotation marks, separators and encodings; no row is swallowed and no character changed.

The reader is in frostline.data.files.separated_files.
"""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.data.datasets.table import Table
from frostline.errors import UserError

VOCABULARY = ("the", "film", "meal", "number", "was", "great,", "awful", "very", "so")
WORDS = st.lists(st.sampled_from(VOCABULARY), min_size=3, max_size=9)
SENTENCES = WORDS.map(" ".join)


def read(content: str | bytes, name: str = "a.csv", **options: Any) -> list[tuple[Any, Any]]:
    """Return the rows of a file, which is every part of its data set."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        train = Table(str(path), val=str(path), test=str(path), **options).load().train
    return list(zip(train.texts, train.labels, strict=True))


def notes(content: str | bytes, folder: Path, name: str = "a.csv") -> list[str]:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    path = str(folder / name)
    return [note.message for note in Table(path, val=path, test=path).load().notes]


def written(rows: list[tuple[str, str]], **options: Any) -> str:
    file = io.StringIO()
    csv.writer(file, **options).writerows([("text", "label"), *rows])
    return file.getvalue()


@settings(max_examples=40, deadline=None)
@given(st.lists(SENTENCES, min_size=8, max_size=30), st.data(), st.booleans())
def test_an_unbalanced_quotation_mark_never_swallows_rows(texts: list[str], data: st.DataObject, first: bool) -> None:
    """Two texts get one quotation mark each, at the beginning or the end: the rows are refused, or all are there."""
    rows = [(text.replace(",", ""), "neg" if n % 2 else "pos") for n, text in enumerate(texts)]
    begin, end = sorted(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True)))
    lines = [[text, label] if first else [label, text] for text, label in rows]
    text_at = 0 if first else 1
    lines[begin][text_at] = f'"{lines[begin][text_at]}'
    at_end = data.draw(st.booleans())
    lines[end][text_at] = f'{lines[end][text_at]}"' if at_end else f'"{lines[end][text_at]}'
    content = "\n".join(map(",".join, [["text", "label"] if first else ["label", "text"], *lines])) + "\n"
    try:
        assert len(read(content)) == len(rows)
    except UserError as error:
        assert f"row {begin + 1} (lines {begin + 2} to {end + 2})" in str(error) or "cannot be parsed" in str(error)
        assert "dataset.quoting=false" in str(error)
    assert len(read(content, quoting=False)) == len(rows)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(SENTENCES, min_size=1, max_size=12).map("\n".join), min_size=2, max_size=12))
def test_texts_of_several_lines_remain_readable(texts: list[str]) -> None:
    """Lines with commas too, as in letters and poems, in cells of very different lengths."""
    rows = [(text, "neg" if n % 2 else "pos") for n, text in enumerate(texts)]
    content = written([*rows, ("short", "pos"), ("text", "neg")])
    assert read(content)[: len(rows)] == read(content, quoting=True)[: len(rows)] == rows


def test_the_rows_that_one_cell_contains_are_named() -> None:
    lines = [f"the house number {n} was great,{'neg' if n % 2 else 'pos'}" for n in range(60)]
    lines[5], lines[25] = '"' + lines[5], lines[25].replace(" was great,", ' was great",')
    with pytest.raises(UserError) as caught:
        read("text,label\n" + "\n".join(lines))
    assert "a.csv has rows within a quoted cell: row 6 (lines 7 to 27); close or remove" in str(caught.value)


def test_scores_or_rare_labels_do_not_hide_swallowed_rows() -> None:
    lines = [f"the house number {n} was great,label {n // 2}" for n in range(60)]
    lines[6], lines[26] = '"' + lines[6], lines[26].replace(",", '",')
    with pytest.raises(UserError, match=r"row 7 \(lines 8 to 28\)"):
        read("text,label\n" + "\n".join(lines))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab\"' ,;"), min_size=1, max_size=8), min_size=1, max_size=20))
def test_a_quotation_mark_is_a_character_in_a_tsv(texts: list[str]) -> None:
    rows = [
        (f"x{text}y" if n % 2 else f'"{text}', "neg" if n % 2 else "pos") for n, text in enumerate([*texts, "b", "c"])
    ]
    content = "".join(f"{text}\t{label}\n" for text, label in [("text", "label"), *rows])
    assert read(content, "a.tsv") == rows


def test_a_tsv_in_quotation_marks_is_recognised(tmp_path: Path) -> None:
    rows = [("a\tb", "pos"), ('say "x"', "neg")]
    everywhere = written(rows, delimiter="\t", quoting=csv.QUOTE_ALL)
    assert read(everywhere, "a.tsv") == rows
    assert "a.tsv has cells in quotation marks, as its header shows" in notes(everywhere, tmp_path, "a.tsv")
    doubled = written([*rows[1:], ("x", "pos")], delimiter="\t")
    assert read(doubled, "a.tsv")[0][0] == '"say ""x"""', "a quotation mark is a character"
    (message, *_) = notes(doubled, tmp_path, "a.tsv")
    assert message.startswith(
        "1 cell of a.tsv is in quotation marks, which are read as characters; give dataset.quoting"
    )
    assert read(doubled, "a.tsv", quoting=True)[0][0] == 'say "x"'


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_another_separator_is_found_in_the_header(tmp_path: Path, separator: str, name: str) -> None:
    rows = [("un, deux", "pos"), ("trois", "neg")]
    content = "\ufeff" + written(rows, delimiter=separator)
    assert read(content) == rows
    assert notes(content, tmp_path)[0] == f"a.csv is separated by {name}, as its header shows"
    assert read(content, separator="tab" if separator == "\t" else separator) == rows


def test_a_comma_comes_first_and_the_settings_decide() -> None:
    content = "text,label,text;label\na,b,c;d\ne,f,g;h\n"
    assert read(content) == [("a", "b"), ("e", "f")]
    with pytest.raises(UserError, match="has no column 'text'"):
        read(content, separator="|")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.sampled_from("aéüñçß€ "), min_size=1, max_size=8), min_size=1, max_size=9))
def test_a_file_in_another_encoding_is_refused_or_right(texts: list[str]) -> None:
    rows = [(f"x{text}y", "neg" if n % 2 else "pos") for n, text in enumerate([*texts, "b"])]
    content = written(rows)
    for encoding in ("cp1252", "utf-16", "utf-8-sig", "utf-16-le"):
        assert read(content.encode(encoding), encoding=encoding) == rows
    assert read(content.encode("utf-16")) == rows, "by its byte order mark"
    try:
        assert read(content.encode("cp1252")) == rows
    except UserError as error:
        assert "is not a text file in UTF-8 (byte" in str(error) and "dataset.encoding=cp1252" in str(error)
    else:
        assert content.isascii()
