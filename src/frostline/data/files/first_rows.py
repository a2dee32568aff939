"""The texts in the first rows of a large file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from frostline.data.corpus import Text
from frostline.data.files.columns import ColumnSettings, texts_of
from frostline.data.files.table_files import FileSettings, read_table

BYTES, ROWS = 4_000_000, 20_000  # that are read: bytes of a text file, rows of a parquet file


def first_texts(file: Path, columns: ColumnSettings, settings: FileSettings) -> Sequence[Text]:
    """Return the texts of the first rows of a file, read as the whole file is.

    Raises:
        UserError: these rows cannot be read, for example because they end within a cell.
    """
    with tempfile.TemporaryDirectory() as folder:
        beginning = Path(folder, file.name)
        if file.suffix.lower() == ".parquet":
            _copy_rows(file, beginning)
        else:
            with file.open("rb") as stream:
                beginning.write_bytes(stream.read(BYTES).rpartition(b"\n")[0])
        return texts_of(read_table("dataset.train", beginning, settings)[0], columns)


def _copy_rows(file: Path, to: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as table:
        pq.write_table(pa.Table.from_batches([next(table.iter_batches(ROWS))]), to)
