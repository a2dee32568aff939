"""Files of data sets in the formats of the `datasets` library that this package reads itself: csv, tsv and json.

The library guesses the types of their cells: NA and null become empty, 007 becomes 7, and dates change their form.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frostline.data.corpus import DataNote
from frostline.data.files.cells import Columns
from frostline.data.files.separated_files import Dialect
from frostline.data.files.table_files import CSV, TSV, FileSettings, read_json, read_separated
from frostline.errors import user_error

if TYPE_CHECKING:
    from datasets import DatasetBuilder

KEY = "dataset.name"
FORMATS = ("csv", "json")
UNREAD = ("quotechar", "escapechar", "doublequote", "skiprows", "skipfooter", "nrows", "comment", "usecols")


def format_of(builder: DatasetBuilder) -> str:
    """Return the format of a data set's files, such as csv, json or parquet."""
    return type(builder).__module__.rpartition(".")[2]


def read_splits(
    builder: DatasetBuilder, splits: Sequence[str], settings: FileSettings
) -> tuple[dict[str, Columns], list[DataNote]]:
    """Return split -> its columns, from csv or json files, which are downloaded if they are not local.

    Raises:
        UserError: a file cannot be read, or it is written in a way that this package does not read.
    """
    from datasets import DownloadManager

    manager = DownloadManager()
    given = {split: [str(file) for file in builder.config.data_files[split]] for split in splits}
    tables, notes = {}, []
    for split, files in manager.download_and_extract(given).items():
        parts = []
        for original, file in zip(given[split], files, strict=True):
            for path in manager.iter_files([file]):
                columns, found = _read_file(builder.config, original, Path(path), settings)
                parts.append(columns)
                notes += found
        tables[split] = _with_class_names(_joined(parts), builder.info.features or {})
    return tables, notes


def _read_file(config: Any, original: str, path: Path, settings: FileSettings) -> tuple[Columns, list[DataNote]]:
    encoding = settings.encoding or getattr(config, "encoding", None)
    if hasattr(config, "field"):
        return read_json(KEY, path, settings.names, None if encoding == "utf-8" else encoding, config.field)
    defaults = type(config)()
    if other := [name for name in UNREAD if getattr(config, name) != getattr(defaults, name)]:
        what = f"its README sets {', '.join(other)} of the csv files, which frostline does not read"
        raise user_error("dataset.name", what, "write the files again as csv, jsonl or parquet without this")
    usual = TSV if config.sep == "\t" or original.lower().endswith(".tsv") else Dialect(config.sep, CSV.quoting)
    quoting = settings.quoting
    if quoting is None and config.quoting == csv.QUOTE_NONE:
        quoting = False
    header = list(config.names) if config.names and config.header in ("infer", None) else None
    settings = dataclasses.replace(settings, encoding=encoding, quoting=quoting)
    return read_separated(KEY, path, settings, usual, header)


def _joined(parts: Sequence[Columns]) -> Columns:
    """Return the rows of all parts; a column that a part lacks is None in its rows."""
    names = dict.fromkeys(name for part in parts for name in part)
    sizes = [len(next(iter(part.values()), [])) for part in parts]
    rows = list(zip(parts, sizes, strict=True))
    return {name: [cell for part, size in rows for cell in part.get(name, [None] * size)] for name in names}


def _with_class_names(columns: Columns, features: Mapping[str, Any]) -> Columns:
    """Replace indices of classes by the names that the README of the data set gives."""
    for column, feature in features.items():
        names = getattr(feature, "names", None)
        if names is not None and column in columns:
            known = {str(index): name for index, name in enumerate(names)} | {name: name for name in names}
            columns[column] = [known.get(str(cell)) for cell in columns[column]]
    return columns
