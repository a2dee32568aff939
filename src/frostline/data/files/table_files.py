"""Files of tables by their ending: csv, tsv, jsonl and parquet."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.data.corpus import DataNote
from frostline.data.files.cells import Columns
from frostline.data.files.separated_files import Dialect, SeparatedFile
from frostline.data.files.typed_files import parse_json, read_parquet
from frostline.errors import Problem, UserError, user_error
from frostline.override_text import override_text

TAB_NAMES = ("tab", "\\t")
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SHOWN = 80  # characters of a line in a message
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
    check_table_file(key, path)
    columns, notes = READERS[path.suffix.lower()](key, path, settings) if path.stat().st_size else ({}, [])
    if not any(columns.values()):
        raise user_error(key, f"{path} is empty", "give a file with a header and rows")
    return columns, notes


def check_table_file(key: str, path: Path) -> None:
    """Raise UserError, with the config key `key`, unless the path is a file with the ending of a table."""
    if path.is_dir():
        raise user_error(key, f"{path} is a folder", "name one file in it")
    if not path.exists():
        raise user_error(key, f"no file {path} (looked in {Path.cwd()})", _other_tables(path))
    if path.suffix.lower() not in READERS:
        raise user_error(key, f"{path} has an unknown ending", "use one of: " + ", ".join(READERS))


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


def read_json(key: str, path: Path, names: Sequence[str], encoding: str | None, field: str | None = None) -> Found:
    """Read a file with one object a line, or with a list of objects, which may be below a field."""
    text, notes = read_text(key, path, encoding)
    columns, found = parse_json(key, path, text, names, field)
    return columns, [*notes, *found]


def read_text(key: str, path: Path, encoding: str | None) -> tuple[str, list[DataNote]]:
    """Return the text of a file without a byte order mark, and a note if the mark decides how it is read.

    Raises:
        UserError: the file is not a text in this encoding, which is UTF-8 where it is None and there is no mark.
    """
    content, notes = path.read_bytes(), []
    if encoding is None and content.startswith(UTF_16):
        encoding = "utf-16"
        notes.append(DataNote("encoding", 1, f"{path.name} is UTF-16, as its byte order mark shows"))
    try:
        text = content.decode(encoding or "utf-8").removeprefix("\ufeff")
    except UnicodeError as error:
        raise _not_decoded(key, path, content, error) from error
    if "\0" in text:
        raise _not_text(key, path, "it contains zero bytes")
    return text, notes


def _not_decoded(key: str, path: Path, content: bytes, error: UnicodeError) -> UserError:
    if not isinstance(error, UnicodeDecodeError):
        return _not_text(key, path, str(error))
    why = f"byte {error.start} is not {error.encoding.upper()}"
    if b"\0" in content:
        return _not_text(key, path, why)
    begin = content.rfind(b"\n", 0, error.start) + 1
    line = content[begin:].partition(b"\n")[0].strip()
    try:
        read = line.decode("cp1252")
    except UnicodeDecodeError:
        do = "save it as UTF-8, or give its encoding as dataset.encoding"
    else:
        at = max(0, len(content[begin : error.start].decode("cp1252", "replace")) - SHOWN // 2)
        number = content.count(b"\n", 0, error.start) + 1
        do = f"save it as UTF-8, or give its encoding: with {override_text('dataset.encoding', 'cp1252')}, "
        do += f"line {number} reads {read[at : at + SHOWN]!r}"
    return user_error(key, f"{path} is not a text file in UTF-8 ({why})", do)


def _not_text(key: str, path: Path, why: str) -> UserError:
    do = "save it as UTF-8, correct its ending, or give its encoding as dataset.encoding, such as utf-16-le"
    return user_error(key, f"{path} is not a text file ({why})", do)


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
