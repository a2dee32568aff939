"""Readers of table files: csv, tsv, jsonl and parquet. A file that cannot be read raises a UserError."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

from frostline.errors import UserError, user_error

Columns = dict[str, list[object]]


def columns(key: str, path: Path) -> Columns:
    """Return the columns of a file by name, with Python values and None for empty cells."""
    if path.is_dir():
        raise user_error(key, f"{path} is a folder", "name one file in it")
    if not path.exists():
        raise user_error(key, f"no file {path} (looked in {Path.cwd()})", _other_tables(path))
    if path.suffix.lower() not in READERS:
        raise user_error(key, f"{path} has an unknown ending", "use one of: " + ", ".join(READERS))
    read = READERS[path.suffix.lower()]
    table = read(key, path) if path.stat().st_size else {}
    if not any(table.values()):
        raise user_error(key, f"{path} is empty", "give a file with a header and rows")
    return table


def _other_tables(path: Path) -> str:
    folder = path.parent
    files = sorted(file.name for file in folder.glob("*") if file.suffix.lower() in READERS) if folder.is_dir() else []
    return f"correct the path; there: {', '.join(files[:5])}" if files else "correct the path"


def _separated(separator: str) -> Callable[[str, Path], Columns]:
    def read_separated(key: str, path: Path) -> Columns:
        import pandas as pd

        _utf8_text(key, path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)
                frame = pd.read_csv(
                    path, sep=separator, dtype=object, keep_default_na=False, na_values=[""],
                    encoding="utf-8-sig", index_col=False,
                )  # fmt: skip
        except pd.errors.EmptyDataError:
            return {}
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            what = str(error).replace("Error tokenizing data. C error: ", "").strip()
            raise user_error(
                key, f"{path} cannot be parsed ({what})", "put texts that contain separators in quotes"
            ) from error
        return {str(name): [None if pd.isna(cell) else cell for cell in frame[name]] for name in frame}

    return read_separated


def _json_lines(key: str, path: Path) -> Columns:
    rows = []
    for number, line in enumerate(_utf8_text(key, path).split("\n"), start=1):
        if line.strip():
            rows.append(_json_object(key, path, number, line))
    return {name: [row.get(name) for row in rows] for name in dict.fromkeys(name for row in rows for name in row)}


def _json_object(key: str, path: Path, number: int, line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise user_error(
            key, f"{path} cannot be parsed (line {number}: {error.msg})", "write one object a line"
        ) from error
    if not isinstance(row, dict):
        raise user_error(key, f"{path} cannot be parsed (line {number} is not an object)", "write one object a line")
    return row


def _parquet(key: str, path: Path) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowInvalid, OSError) as error:
        raise user_error(
            key, f"{path} cannot be parsed as parquet", "write the file again or correct its ending"
        ) from error
    return {name: table.column(name).to_pylist() for name in table.column_names}


def _utf8_text(key: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_text(key, path, f"byte {error.start} is not UTF-8") from error
    if "\0" in text:
        raise _not_text(key, path, "it contains zero bytes")
    return text


def _not_text(key: str, path: Path, why: str) -> UserError:
    return user_error(key, f"{path} is not a text file ({why})", "save it as UTF-8 or correct its ending")


READERS: dict[str, Callable[[str, Path], Columns]] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
