"""Readers of json, jsonl and parquet files, whose cells have types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from frostline.data.checks import counted
from frostline.data.corpus import DataNote
from frostline.data.files.cells import Columns, without_surrogates
from frostline.errors import user_error

HALF = "\\ud"  # how the escape of half of a surrogate pair begins, in lower case


def parse_json(
    key: str, path: Path, text: str, names: Sequence[str], field: str | None = None
) -> tuple[Columns, list[DataNote]]:
    """Return the columns of a text with one object a line, or with a list of objects, which may be below a field.

    Raises:
        UserError: the file cannot be parsed, or an object has two values of a needed column (`names`).
    """
    parser = ObjectParser(key, path, names)
    if field is not None or text.lstrip().startswith("["):
        rows = parser.listed(text, field)
    else:
        rows = [parser.line(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    columns: Columns = {n: [row.get(n) for row in rows] for n in dict.fromkeys(name for row in rows for name in row)}
    return columns, _replace_surrogates(path.name, columns, names) if HALF in text.lower() else []


class ObjectParser:
    """Parses JSON whose objects have each needed name once."""

    def __init__(self, key: str, path: Path, names: Sequence[str]) -> None:
        self.key, self.path, self.names = key, path, names

    def line(self, number: int, text: str) -> dict[str, Any]:
        row = self._parse(text, number)
        if isinstance(row, dict):
            return row
        what = f"{self.path} cannot be parsed (line {number} is not an object)"
        raise user_error(self.key, what, "write one object a line")

    def listed(self, text: str, field: str | None) -> list[dict[str, Any]]:
        content = self._parse(text, 1)
        rows = content.get(field) if field is not None and isinstance(content, dict) else content
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
        raise user_error(self.key, f"{self.path} is not a list of objects", "write a list of objects, or one a line")

    def _parse(self, text: str, first_line: int) -> Any:
        try:
            return json.loads(text, object_pairs_hook=self._object)
        except json.JSONDecodeError as error:
            why = f"line {first_line + error.lineno - 1}: {error.msg}"
            raise user_error(self.key, f"{self.path} cannot be parsed ({why})", "write one object a line") from error

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs) and (name := repeated([name for name, _ in pairs], self.names)):
            what = f"{self.path} has an object with two values of {name!r}, the second of which is {row[name]!r}"
            raise user_error(self.key, what, "rename or remove one")
        return row


def _replace_surrogates(file: str, columns: Columns, names: Sequence[str]) -> list[DataNote]:
    rows = set()
    for name in set(names) & columns.keys():
        for row, cell in enumerate(columns[name]):
            columns[name][row], replaced = without_surrogates(cell)
            if replaced:
                rows.add(row + 1)
    if not rows:
        return []
    what = f"U+FFFD replaces half of a surrogate pair, such as half an emoji, in {counted(len(rows), 'row')} of {file}"
    return [DataNote("surrogates", len(rows), f"{what} (the first is row {min(rows)})")]


def read_parquet(key: str, path: Path, names: Sequence[str]) -> tuple[Columns, list[DataNote]]:
    """Return the columns of a parquet file; where Hugging Face's metadata names the classes of a column, their names.

    Raises:
        UserError: the file cannot be parsed, or there are two columns with a needed name (`names`).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        present = table.column_names
        if name := repeated(present, names):
            raise user_error(key, f"{path} has two columns called {name!r}", "rename or remove one")
        columns: Columns = {name: table.column(name).to_pylist() for name in present if present.count(name) == 1}
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise user_error(
            key, f"{path} cannot be parsed as parquet", "write the file again or correct its ending"
        ) from error
    return columns | _class_names(table.schema.metadata or {}, columns), []


def _class_names(metadata: Mapping[bytes, bytes], columns: Columns) -> Columns:
    """Return the columns of class indices as names, if the metadata of the `datasets` library has the names."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    named: Columns = {}
    for column, feature in features.items():
        inner = feature.get("feature") if isinstance(feature, dict) else None
        names = [each.get("names") for each in (feature, inner) if isinstance(each, dict)]
        if column in columns and (known := next(filter(None, names), None)):
            named[column] = [named_class(cell, known) for cell in columns[column]]
    return named


def named_class(cell: Any, names: Sequence[str]) -> Any:
    """Return the class name of an index, or the names of a list of indices; None for -1, which means no label."""
    if isinstance(cell, list):
        return [named_class(index, names) for index in cell]
    return None if cell is None or cell < 0 else names[cell]


def repeated(present: Sequence[str], needed: Sequence[str]) -> str | None:
    """Return the first needed name that occurs more than once, or None."""
    return next((name for name in needed if present.count(name) > 1), None)
