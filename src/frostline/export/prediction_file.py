"""Files with predictions: the columns of a table, followed by new ones, as csv, tsv, jsonl or parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from frostline.data.files.table_stream import RowChunk, TableStream
from frostline.results.atomic_files import new_file

Columns = Mapping[str, Sequence[Any]]
ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")


class RowWriter(Protocol):
    """Writes rows with new columns, which are None, texts, lists of texts, or numbers of float32."""

    def append_rows(self, chunk: RowChunk, columns: Columns) -> None: ...


class SeparatedWriter:
    """Writes csv, or with tabs tsv. Lists and objects are written as JSON, numbers with all of their digits."""

    def __init__(self, file: IO[str], separator: str, names: Sequence[str]) -> None:
        self.file = file
        self.rows = csv.writer(file, delimiter=separator, lineterminator="\n")
        self.rows.writerow(names)

    def append_rows(self, chunk: RowChunk, columns: Columns) -> None:
        added = [list(map(cell_text, column)) for column in columns.values()]
        for row, *values in zip(chunk.rows, *added, strict=True):
            self.rows.writerow([*map(cell_text, row), *values])
        self.file.flush()


class LineWriter:
    """Writes one JSON object a line."""

    def __init__(self, file: IO[str]) -> None:
        self.file = file

    def append_rows(self, chunk: RowChunk, columns: Columns) -> None:
        names = [*chunk.names, *columns]
        for row, *values in zip(chunk.rows, *columns.values(), strict=True):
            cells = dict(zip(names, [*row, *map(_plain, values)], strict=True))
            self.file.write(json.dumps(cells, ensure_ascii=False, default=str) + "\n")
        self.file.flush()


class ParquetAppender:
    """Writes parquet. Columns of a parquet file keep their types; those of other files are texts, or JSON of cells."""

    def __init__(self, file: IO[bytes], types: Any, new: Mapping[str, Any]) -> None:
        from pyarrow import parquet

        for name, kind in new.items():
            types = types.append(_field(name, kind))
        self.types = types
        self.writer = parquet.ParquetWriter(file, types, compression="zstd")

    def append_rows(self, chunk: RowChunk, columns: Columns) -> None:
        import pyarrow as pa

        if chunk.batch is not None:
            arrays = list(chunk.batch.columns)
        else:
            cells = zip(*chunk.rows, strict=True)
            arrays = [pa.array([None if c is None else cell_text(c) for c in column], pa.string()) for column in cells]
        kinds = self.types.types[len(arrays) :]
        arrays += [pa.array(column, kind) for column, kind in zip(columns.values(), kinds, strict=True)]
        self.writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self.types))


def cell_text(cell: Any) -> str:
    """Return a cell as csv has it: nothing for None, a text as it is, a float32 in its shortest form, or JSON."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    return str(cell) if isinstance(cell, np.floating) else json.dumps(cell, ensure_ascii=False, default=str)


@contextmanager
def open_writer(path: Path, table: TableStream, new: Mapping[str, str]) -> Iterator[RowWriter]:
    """Yield a writer of a file, which is there when the context ends without an error, and not before.

    new: the added columns, each with its kind: text, texts, float32, or float32 with the number of values in a list.
    """
    ending, names = path.suffix.lower(), [*table.names, *new]
    with new_file(path) as binary:
        if ending == ".parquet":
            parquet = ParquetAppender(binary, table.types or _text_schema(table.names), new)
            yield parquet
            parquet.writer.close()
            return
        text: IO[str] = open(binary.fileno(), "w", encoding="utf-8", newline="", closefd=False)  # noqa: SIM115  # closed below
        yield LineWriter(text) if ending == ".jsonl" else SeparatedWriter(text, SEPARATOR[ending], names)
        text.close()


SEPARATOR = {".csv": ",", ".tsv": "\t"}


def _text_schema(names: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.schema([(name, pa.string()) for name in names])


def _field(name: str, kind: str) -> Any:
    import pyarrow as pa

    kinds = {"text": pa.string(), "texts": pa.list_(pa.string()), "float32": pa.float32(), "int64": pa.int64()}
    length = kind.removeprefix("float32*")
    return pa.field(name, pa.list_(pa.float32(), int(length)) if length.isdecimal() else kinds[kind])


def _plain(value: Any) -> Any:
    """Return a float32 as the shortest float that rounds to it."""
    return float(str(value)) if isinstance(value, np.floating) else value
