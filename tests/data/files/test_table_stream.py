"""Tables that are read in chunks have the cells that `read_table` returns, in every format, and the same errors.

It is of frostline.data.files.line_stream, too.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from frostline.data.files.line_stream import read_lines
from frostline.data.files.table_files import FileSettings, read_table
from frostline.data.files.table_stream import open_table
from frostline.errors import UserError

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    ['say "no"', "a,b", "two\nlines", "NA", "007", "tab\there", "\ufeff", "é", "x\ry"]
)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=9)
SETTINGS = FileSettings(["text"])


def streamed(path: Path, size: int, settings: FileSettings = SETTINGS) -> dict[str, list[Any]]:
    table = open_table(path, settings)
    chunks = list(table.chunks(size))
    rows = [row for chunk in chunks for row in chunk.rows]
    assert [chunk.first for chunk in chunks] == [1 + size * n for n in range(len(chunks))]
    return {name: [row[i] for row in rows] for i, name in enumerate(table.names)}


@given(rows=ROWS, suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]), size=st.integers(1, 4))
def test_cells_are_those_of_a_data_set(rows: list[tuple[str, str]], suffix: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{suffix}"
        if suffix == ".parquet":
            parquet.write_table(pa.table({"id": [a for a, _ in rows], "text": [b for _, b in rows]}), path)
        elif suffix == ".jsonl":
            path.write_text("".join(json.dumps({"id": a, "text": b}) + "\n" for a, b in rows), encoding="utf-8")
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, delimiter="\t" if suffix == ".tsv" else ",")
                writer.writerows([("id", "text"), *rows])
        try:
            columns, _ = read_table("FILE", path, SETTINGS)
        except UserError as error:
            with pytest.raises(UserError) as raised:
                streamed(path, 100)
            whole, chunked = (str(each).split("(")[0] for each in (error, raised.value))
            assert chunked[:60] == whole[:60]
            return
        assert streamed(path, size) == columns


def test_objects_may_lack_names(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n\n{"text": "b", "n": 1}\n')
    assert streamed(tmp_path / "a.jsonl", 1) == {"text": ["a", "b"], "n": [None, 1]}


def test_the_header_says_how_a_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n;text\n1;a, b\n2\n3;c\n".replace("2\n", "2;\n"))
    assert streamed(tmp_path / "a.csv", 2) == {"n": ["1", "2", "3"], "text": ["a, b", "", "c"]}
    (tmp_path / "b.csv").write_bytes("text\nä\n".encode("utf-16"))
    assert streamed(tmp_path / "b.csv", 2) == {"text": ["ä"]}
    (tmp_path / "c.csv").write_bytes("text\nä\n".encode("cp1252"))
    with pytest.raises(UserError, match="is not a text file in UTF-8"):
        streamed(tmp_path / "c.csv", 2)
    assert streamed(tmp_path / "c.csv", 2, FileSettings(["text"], encoding="cp1252")) == {"text": ["ä"]}


def test_an_error_names_the_line_in_a_later_chunk(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n,text\n" + "1,a\n" * 5 + "1,a,b\n")
    with pytest.raises(UserError, match="expected 2 cells in line 7, saw 3"):
        streamed(tmp_path / "a.csv", 2)


@given(lines=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\ufeff")), max_size=9))
def test_lines_of_a_pipe(lines: list[str]) -> None:
    reader, writer = os.pipe()
    os.write(writer, "\n".join(lines).encode())
    os.close(writer)
    found = [line for some in read_lines(reader, 2) for line in some]
    os.close(reader)
    assert found == (lines[:-1] if lines and lines[-1] == "" else lines)
