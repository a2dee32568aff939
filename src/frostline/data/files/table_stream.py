"""Tables read a chunk of rows at a time, with the same cells as `read_table` returns."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.console import log
from frostline.data.files.cells import without_surrogates
from frostline.data.files.separated_files import NOT_QUOTED, Dialect, SeparatedFile
from frostline.data.files.swallowed_rows import swallowing_rows
from frostline.data.files.table_files import CSV, TSV, UTF_16, FileSettings, check_table_file, read_text
from frostline.data.files.typed_files import HALF, ObjectParser
from frostline.errors import user_error

KEY = "FILE"


@dataclass(frozen=True)
class RowChunk:
    """Some rows of a table: the cells of each in the order of the columns, None where a row lacks one.

    first: the number of the first row, counted from 1. batch: the same rows as a pyarrow.RecordBatch, of a parquet
    file; the names of its columns are all different.
    """

    names: Sequence[str]
    rows: Sequence[Sequence[Any]]
    first: int
    batch: Any = None


@dataclass(frozen=True)
class TableStream:
    """A csv, tsv, jsonl or parquet file.

    names: all columns, in the order of the file. rows: their number, if the file says it. types: of a parquet file, its
    pyarrow.Schema.
    """

    path: Path
    settings: FileSettings
    names: Sequence[str]
    rows: int | None = None
    types: Any = None

    def chunks(self, size: int) -> Iterator[RowChunk]:
        """Yield all rows in chunks of at most `size`.

        Raises:
            UserError: the file cannot be parsed.
        """
        suffix = self.path.suffix.lower()
        if suffix == ".parquet":
            yield from self._parquet_chunks(size)
            return
        rows = _json_rows(self.path, self.settings, self.names) if suffix == ".jsonl" else self._separated_rows(size)
        first = 1
        while chunk := list(itertools.islice(rows, size)):
            yield RowChunk(self.names, chunk, first)
            first += len(chunk)

    def _separated_rows(self, size: int) -> Iterator[list[str | None]]:
        width = len(self.names)
        file, dialect = _separated(self.path, self.settings)
        for rows, lines, first in _numbered_rows(self.path, self.settings, file, dialect, size):
            file.check_widths(list(self.names), rows, lines, dialect)
            if self.settings.quoting is None and dialect.quoting:
                _check_swallowed(self.path, rows, first, dialect)
            for row in rows:
                yield [*row, *[None] * (width - len(row))]

    def _parquet_chunks(self, size: int) -> Iterator[RowChunk]:
        import pyarrow as pa
        from pyarrow import parquet

        first = 1
        try:
            with parquet.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=size):
                    columns = [column.to_pylist() for column in batch.columns]
                    yield RowChunk(self.names, list(zip(*columns, strict=True)), first, batch)
                    first += batch.num_rows
        except (pa.ArrowInvalid, OSError) as error:
            raise _not_parquet(self.path) from error


def open_table(path: Path, settings: FileSettings) -> TableStream:
    """Return the stream of a file, whose columns are known.

    Raises:
        UserError: the file cannot be read, is empty, or has two columns with a needed name.
    """
    check_table_file(KEY, path)
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _open_parquet(path, settings)
    if not path.stat().st_size:
        raise _empty(path)
    if suffix == ".jsonl":
        return TableStream(path, settings, _json_names(path, settings))
    file, dialect = _separated(path, settings)
    header: list[str] = next(dialect.split_rows(file.text), [])
    if not header:
        raise _empty(path)
    file.check_header(header)
    for note in file.dialect_notes(dialect):
        log(f"data: {note.message}")
    return TableStream(path, settings, header)


def _open_parquet(path: Path, settings: FileSettings) -> TableStream:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            types, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise _not_parquet(path) from error
    if repeated := [name for name in types.names if types.names.count(name) > 1]:
        raise user_error(KEY, f"{path} has two columns called {repeated[0]!r}", "rename or remove one")
    return TableStream(path, settings, types.names, rows, types)


def _text_lines(path: Path, encoding: str | None) -> Iterator[str]:
    """Yield the lines of a text file with their ends, without a byte order mark.

    Raises:
        UserError: it is not a text file in this encoding.
    """
    with path.open("rb") as binary:
        is_utf_16 = encoding is None and binary.read(2).startswith(UTF_16)
    try:
        with path.open(encoding="utf-16" if is_utf_16 else encoding or "utf-8", newline="") as file:
            for number, line in enumerate(file):
                if "\0" in line:
                    raise UnicodeError
                yield line if number else line.removeprefix("\ufeff")
    except UnicodeError:
        read_text(KEY, path, encoding)  # raises the error with the line and a remedy
        raise


def _separated(path: Path, settings: FileSettings) -> tuple[SeparatedFile, Dialect]:
    """Return a file of which the text is the header alone, and its dialect."""
    header = next((line for line in _text_lines(path, settings.encoding) if line.strip()), "")
    separator = "\t" if settings.separator in ("tab", "\\t") else settings.separator
    usual = TSV if path.suffix.lower() == ".tsv" else CSV
    file = SeparatedFile(KEY, path, header, settings.names, None, usual, separator, settings.quoting)
    return file, file.choose_dialect()


def _numbered_rows(
    path: Path, settings: FileSettings, file: SeparatedFile, dialect: Dialect, size: int
) -> Iterator[tuple[list[list[str]], list[int], int]]:
    """Yield rows below the header in chunks: the rows that are not blank, their first lines, and the first number."""
    csv.field_size_limit(max(csv.field_size_limit(), path.stat().st_size))
    reader = dialect.read_lines(_text_lines(path, settings.encoding))
    rows, lines, begin, first, is_header = list[list[str]](), list[int](), 1, 1, True
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                if not is_header:
                    rows.append(row)
                    lines.append(begin)
                is_header = False
            begin = reader.line_num + 1
            if len(rows) == size:
                yield rows, lines, first
                first += len(rows)
                rows, lines = [], []
    except csv.Error as error:
        raise file.parse_error(str(error), begin, reader.line_num) from error
    yield rows, lines, first


def _check_swallowed(path: Path, rows: Sequence[Sequence[str]], first: int, dialect: Dialect) -> None:
    if swallowing := swallowing_rows(rows, dialect.separator, None):
        what = f"{path} has rows within a quoted cell: row {first + swallowing[0]}"
        do = f"close or remove the quotation mark at the beginning of that cell, or give {NOT_QUOTED} if quotation "
        raise user_error(KEY, what, do + "marks are ordinary characters")


def _json_objects(path: Path, settings: FileSettings) -> Iterator[dict[str, Any]]:
    parser = ObjectParser(KEY, path, settings.names)
    for number, line in enumerate(_text_lines(path, settings.encoding), start=1):
        if number == 1 and line.lstrip().startswith("["):
            yield from parser.listed(read_text(KEY, path, settings.encoding)[0], None)
            return
        if line.strip():
            row = parser.line(number, line)
            yield {name: without_surrogates(cell)[0] for name, cell in row.items()} if HALF in line.lower() else row


def _json_rows(path: Path, settings: FileSettings, names: Sequence[str]) -> Iterator[list[Any]]:
    return ([row.get(name) for name in names] for row in _json_objects(path, settings))


def _json_names(path: Path, settings: FileSettings) -> list[str]:
    """Return the names in all objects, in the order of their first use."""
    names = list(dict.fromkeys(name for row in _json_objects(path, settings) for name in row))
    if not names:
        raise _empty(path)
    return names


def _empty(path: Path) -> Exception:
    return user_error(KEY, f"{path} is empty", "give a file with a header and rows")


def _not_parquet(path: Path) -> Exception:
    return user_error(KEY, f"{path} cannot be parsed as parquet", "write the file again or correct its ending")
