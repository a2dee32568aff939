"""The user's texts and labels: csv, tsv, jsonl or parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from frostline.data.corpus import DataNote, RawData
from frostline.data.files.cells import Columns
from frostline.data.files.columns import ColumnSettings
from frostline.data.files.table_files import FileSettings, read_table
from frostline.data.files.table_parts import raw_data
from frostline.errors import Problem, UserError
from frostline.results.home_paths import expand_home


class Table:
    """One file a part; val and test are cut from train where they are not given. Two text columns make pairs.

    Args:
        train, val, test: the files. A leading ~ is the home directory.
        text_column: the column of the texts, or two columns.
        label_column: the column of the labels, or a column of 0 and 1 for each label.
        multi_label: whether a cell has several labels; None: if it is a list of jsonl or parquet.
        label_separator: the text between the labels of a cell; None: found in the cells.
        separator: the character between the cells of a csv or tsv file; None: by the ending and the header.
        encoding: of a text file; None: UTF-8, or as its byte order mark says.
        quoting: whether cells may be in quotation marks; None: in csv files.
    """

    local_files = ("train", "val", "test")

    def __init__(
        self,
        train: str,
        val: str | None = None,
        test: str | None = None,
        text_column: str | Sequence[str] = "text",
        label_column: str | Sequence[str] = "label",
        multi_label: bool | None = None,
        label_separator: str | None = None,
        separator: str | None = None,
        encoding: str | None = None,
        quoting: bool | None = None,
    ) -> None:
        self.files = {"train": train, "val": val, "test": test}
        self.columns = ColumnSettings(text_column, label_column, multi_label, label_separator)
        self.format = FileSettings(self.columns.names, self.columns.label_column, separator, encoding, quoting)

    def downloads(self) -> list[str]:
        return []

    def problems(self) -> list[Problem]:
        """Read the files, and return everything that prevents training on them."""
        try:
            self.load()
        except UserError as error:
            return error.problems
        return []

    def load(self) -> RawData:
        """Return the labelled texts of the files.

        Raises:
            UserError: with all problems of the files.
        """
        tables: dict[str, tuple[str, Columns]] = {}
        notes: list[DataNote] = []
        problems = [*self.columns.problems(), *(unreadable := self.format.problems())]
        for part, file in self.files.items():
            if file is not None and not unreadable:
                key = f"dataset.{part}"
                try:
                    columns, found = read_table(key, expand_home(file, key), self.format)
                except UserError as error:
                    problems += error.problems
                else:
                    tables[part] = (Path(file).name, columns)
                    notes += found
        return raw_data(tables, self.columns, notes, problems)
