"""Readers of csv and tsv files: cells are texts as they are written, and nothing is converted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from frostline.data.checks import counted, some
from frostline.data.corpus import DataNote
from frostline.data.files.cells import Columns
from frostline.data.files.swallowed_rows import swallowing_rows
from frostline.errors import UserError, user_error
from frostline.override_text import override_text

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
QUOTE = '"'
NOT_QUOTED = override_text("dataset.quoting", "false")


@dataclass(frozen=True)
class Dialect:
    """How a file is written. quoting: whether cells may be in quotation marks, in which separators are characters."""

    separator: str
    quoting: bool

    def split_rows(self, text: str, strict: bool = False) -> Any:
        """Return an iterator over the rows of a text, which raises csv.Error if it is strict and quoting is wrong."""
        return self.read_lines(io.StringIO(text, newline=""), strict)

    def read_lines(self, lines: Iterable[str], strict: bool = True) -> Any:
        """Return a csv.reader of lines, which have their ends."""
        if self.quoting:
            return csv.reader(lines, delimiter=self.separator, strict=strict)
        return csv.reader(lines, delimiter=self.separator, strict=strict, quoting=csv.QUOTE_NONE)


@dataclass(frozen=True)
class SeparatedFile:
    """The text of a csv or tsv file. names: the columns that are needed. label: the column of the labels, if any.

    usual: the dialect of files with this ending. separator, quoting: those of the settings; if they are None, the file
    has the usual ones, or those with which its header has the needed columns.
    """

    key: str
    path: Path
    text: str
    names: Sequence[str]
    label: str | None
    usual: Dialect
    separator: str | None = None
    quoting: bool | None = None

    def read(self) -> tuple[Columns, list[DataNote]]:
        """Return the columns by name, with None for a cell that its row lacks, and notes on how the file is written.

        Raises:
            UserError: the file cannot be parsed, a needed column is there twice, or rows seem to be part of a cell.
        """
        dialect = self.choose_dialect()
        rows, lines = self._rows(dialect)
        if len(rows) < 2:
            return {}, []
        header, rows, lines = rows[0], rows[1:], lines[1:]
        self.check_header(header)
        self.check_widths(header, rows, lines, dialect)
        if self.quoting is None and dialect.quoting:
            self._check_swallowed(header, rows, lines, dialect)
        columns: Columns = {}
        for name, cells in zip_longest(header, zip_longest(*rows), fillvalue=()):
            columns.setdefault(str(name), list(cells) or [None] * len(rows))
        return columns, [*self.dialect_notes(dialect), *self._quote_notes(columns, dialect)]

    def choose_dialect(self) -> Dialect:
        """Return the first dialect whose header has all needed columns, the usual one first."""
        separators = [self.separator] if self.separator else dict.fromkeys([self.usual.separator, *SEPARATORS])
        quotings = [self.quoting] if self.quoting is not None else [self.usual.quoting, True]
        dialects = [Dialect(separator, quoting) for quoting in quotings for separator in separators]
        for dialect in dialects:
            if set(self.names) <= set(self._header(dialect)):
                return dialect
        return dialects[0]

    def _header(self, dialect: Dialect) -> list[str]:
        line = next((line for line in io.StringIO(self.text, newline="") if line.strip()), "")
        return next(dialect.split_rows(line), [])

    def _rows(self, dialect: Dialect) -> tuple[list[list[str]], list[int]]:
        """Return the rows that are not blank, the header among them, and the line in which each begins."""
        csv.field_size_limit(max(csv.field_size_limit(), len(self.text)))
        reader = dialect.split_rows(self.text, strict=True)
        rows, lines, begin = [], [], 1
        try:
            for row in reader:
                if len(row) > 1 or (row and row[0].strip()):
                    rows.append(row)
                    lines.append(begin)
                begin = reader.line_num + 1
        except csv.Error as error:
            raise self.parse_error(str(error), begin, reader.line_num) from error
        return rows, lines

    def parse_error(self, error: str, begin: int, end: int) -> UserError:
        if "end of data" in error:
            why = f"the row in line {begin} has a quotation mark that is not closed before the end of the file"
        else:
            where = f"line {end}" if begin == end else f"lines {begin} to {end}, which are one row,"
            why = f"in {where} a text follows a closing quotation mark"
        do = f"write a quotation mark within a cell twice, or give {NOT_QUOTED} if it is an ordinary character"
        return user_error(self.key, f"{self.path} cannot be parsed ({why})", do)

    def check_header(self, header: list[str]) -> None:
        if repeated := [name for name in dict.fromkeys(self.names) if header.count(name) > 1]:
            what = f"{self.path} has {header.count(repeated[0])} columns called {repeated[0]!r}"
            raise user_error(self.key, what, "rename or remove all but one")

    def check_widths(self, header: list[str], rows: list[list[str]], lines: list[int], dialect: Dialect) -> None:
        least = max((i for i, name in enumerate(header) if name in self.names), default=0)
        for row, line in zip(rows, lines, strict=True):
            if least < len(row) <= len(header):
                continue
            do = "put texts that contain separators or line breaks in quotation marks"
            if not dialect.quoting:
                do = f"give {override_text('dataset.quoting', 'true')} if cells are in quotation marks"
            elif QUOTE in self.text:
                do += f", or give {NOT_QUOTED} if a quotation mark is an ordinary character"
            what = f"{self.path} cannot be parsed (expected {len(header)} cells in line {line}, saw {len(row)})"
            raise user_error(self.key, what, do)

    def _check_swallowed(self, header: list[str], rows: list[list[str]], lines: list[int], dialect: Dialect) -> None:
        if self._line_count() == 1 + len(rows):  # no cell has a line break
            return
        label = header.index(self.label) if self.label in header else None
        if found := swallowing_rows(rows, dialect.separator, label):
            ends = [*lines[1:], None]
            where = [f"row {i + 1} (lines {lines[i]} to {(ends[i] or self._line_count() + 1) - 1})" for i in found]
            what = f"{self.path} has rows within a quoted cell: {some(where, quote=False)}"
            do = "close or remove the quotation mark at the beginning of that cell; "
            do += f"give {NOT_QUOTED} if quotation marks are ordinary characters, "
            do += f"or {override_text('dataset.quoting', 'true')} if these cells are right"
            raise user_error(self.key, what, do)

    def _line_count(self) -> int:
        return len(self.text.splitlines())

    def dialect_notes(self, dialect: Dialect) -> list[DataNote]:
        notes = []
        if self.separator is None and dialect.separator != self.usual.separator:
            how = f"{self.path.name} is separated by {SEPARATORS[dialect.separator]}"
            notes.append(DataNote("separator", 1, f"{how}, as its header shows"))
        if self.quoting is None and dialect.quoting != self.usual.quoting:
            notes.append(DataNote("quoting", 1, f"{self.path.name} has cells in quotation marks, as its header shows"))
        return notes

    def _quote_notes(self, columns: Columns, dialect: Dialect) -> list[DataNote]:
        """Return a note if cells seem to be in quotation marks that are read as characters."""
        if dialect.quoting or self.quoting is not None or QUOTE not in self.text:
            return []
        cells = [str(cell) for name in self.names for cell in columns.get(name, ()) if cell and QUOTE in str(cell)]
        inner = [cell[1:-1] for cell in cells if len(cell) > 1 and cell[0] == cell[-1] == QUOTE]
        if len(inner) < len(cells) or any(QUOTE in text.replace(QUOTE * 2, "") for text in inner):
            return []
        if not any(QUOTE * 2 in text for text in inner):
            return []
        what = (
            f"{counted(len(cells), 'cell')} of {self.path.name} {'are' if len(cells) > 1 else 'is'} in quotation marks"
        )
        what += ", which are read as characters"
        do = f"give {override_text('dataset.quoting', 'true')} to read the text within them (such as {cells[0]})"
        return [DataNote("cells_in_quotation_marks", len(cells), f"{what}; {do}")]
