"""Files of tables by their ending: csv, tsv, jsonl and parquet."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.data.corpus import DataNote
from frostline.data.files.cells import Columns
from frostline.data.files.separated_files import Dialect, SeparatedFile
from frostline.data.files.text_files import read_text
from frostline.data.files.typed_files import read_json, read_parquet
from frostline.errors import Problem, user_error

TAB_NAMES = ("tab", "\\t")
CSV, TSV = Dialect(",", quoting=True), Dialect("\t", quoting=False)
Found = tuple[Columns, list[DataNote]]


@dataclass(frozen=True)
class FileSettings:
    """Keys of `dataset` that say how a text file is written; None: its ending, its first bytes and its header say it.

    names: the columns that are needed. label: the column of the labels, if it is one.
    """

    names: Sequence[str] = ()
    label: str | None = None
    separator: str | None = None
    encoding: str | None = None
    quoting: bool | None = None

    def problems(self) -> list[Problem]:
        """Return the problems of the settings themselves."""
        problems = []
        if self.separator is not None and self.separator not in TAB_NAMES and len(self.separator) != 1:
            do = "give one character, or tab"
            problems.append(Problem("dataset.separator", f"{self.separator!r} is not one character", do))
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError:
            what = f"Python has no encoding {self.encoding!r}"
            problems.append(Problem("dataset.encoding", what, "give one such as utf-8, cp1252 or utf-16"))
        return problems


def read_table(key: str, path: Path, settings: FileSettings) -> Found:
    """Return the columns of a file by name, and notes on how it is written.

    Cells of csv and tsv files are texts as they are written, those of the others have the Python values of their types.
    A cell that a row lacks is None.

    Raises:
        UserError: with the config key `key`, if the file cannot be read or is empty.
    """
    if path.is_dir():
        raise user_error(key, f"{path} is a folder", "name one file in it")
    if not path.exists():
        raise user_error(key, f"no file {path} (looked in {Path.cwd()})", _other_tables(path))
    if path.suffix.lower() not in READERS:
        raise user_error(key, f"{path} has an unknown ending", "use one of: " + ", ".join(READERS))
    columns, notes = READERS[path.suffix.lower()](key, path, settings) if path.stat().st_size else ({}, [])
    if not any(columns.values()):
        raise user_error(key, f"{path} is empty", "give a file with a header and rows")
    return columns, notes


def read_separated(
    key: str, path: Path, settings: FileSettings, usual: Dialect, header: Sequence[str] | None = None
) -> Found:
    """Read a csv or tsv file. header: the names of its columns, if the file does not have them."""
    text, notes = read_text(key, path, settings.encoding)
    if header is not None:
        text = (settings.separator or usual.separator).join(header) + "\n" + text
    separator = "\t" if settings.separator in TAB_NAMES else settings.separator
    file = SeparatedFile(key, path, text, settings.names, settings.label, usual, separator, settings.quoting)
    columns, found = file.read()
    return columns, [*notes, *found]


def _other_tables(path: Path) -> str:
    folder = path.parent
    files = sorted(file.name for file in folder.glob("*") if file.suffix.lower() in READERS) if folder.is_dir() else []
    return f"correct the path; there: {', '.join(files[:5])}" if files else "correct the path"


READERS: dict[str, Callable[[str, Path, FileSettings], Found]] = {
    ".csv": lambda key, path, settings: read_separated(key, path, settings, CSV),
    ".tsv": lambda key, path, settings: read_separated(key, path, settings, TSV),
    ".jsonl": lambda key, path, settings: read_json(key, path, settings.names, settings.encoding),
    ".parquet": lambda key, path, settings: read_parquet(key, path, settings.names),
}
