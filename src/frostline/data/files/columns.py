"""The columns of a table: their names, and what is wrong with their cells; each function returns all problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from frostline.data.checks import some
from frostline.data.corpus import Text
from frostline.data.files.cells import Columns, column_value_problems, is_empty, is_number
from frostline.errors import Problem, did_you_mean
from frostline.override_text import override_text


@dataclass(frozen=True)
class ColumnSettings:
    """Keys of `dataset` that say where the texts and labels of a table are.

    text: one column, or two for pairs of texts. label: one column, or several of 0 and 1, one for each label.
    multi_label: whether a cell has several labels; None: if it is a list, and not if it is a text.
    label_separator: the text between the labels of a cell; None: found in the cells.
    """

    text: str | Sequence[str] = "text"
    label: str | Sequence[str] = "label"
    multi_label: bool | None = None
    label_separator: str | None = None

    @property
    def text_columns(self) -> list[str]:
        return [self.text] if isinstance(self.text, str) else list(self.text)

    @property
    def label_columns(self) -> list[str]:
        return [self.label] if isinstance(self.label, str) else list(self.label)

    @property
    def names(self) -> list[str]:
        """The names of all columns that are read."""
        return [*self.text_columns, *self.label_columns]

    @property
    def label_column(self) -> str | None:
        """The column of the labels, None if there are several."""
        return self.label if isinstance(self.label, str) else None

    @property
    def several_labels(self) -> bool:
        """Whether the settings say that a cell has several labels."""
        return self.multi_label is True or (self.multi_label is None and self.label_separator is not None)

    def problems(self) -> list[Problem]:
        """Return the problems of the settings alone."""
        texts, labels, problems = self.text_columns, self.label_columns, []
        if not 1 <= len(texts) <= 2:
            what = f"it names {len(texts)} columns"
            problems.append(Problem("dataset.text_column", what, "name one, or two for pairs of texts"))
        elif len(set(texts)) < len(texts):
            problems.append(Problem("dataset.text_column", f"it names {texts[0]!r} twice", "name two columns"))
        if both := [name for name in labels if name in texts]:
            what = f"{both[0]!r} is the text column too"
            problems.append(Problem("dataset.label_column", what, "name the column of the labels"))
        if not isinstance(self.label, str) and len(set(labels)) < max(2, len(labels)):
            what = f"{labels} does not name several columns"
            do = "name one column as NAME, or a column of 0 and 1 for each label as [A,B]"
            problems.append(Problem("dataset.label_column", what, do))
        if not isinstance(self.label, str) and (self.multi_label is False or self.label_separator is not None):
            key = "multi_label" if self.multi_label is False else "label_separator"
            what = "it is set, but dataset.label_column names a column for each label"
            problems.append(Problem(f"dataset.{key}", what, "leave it out"))
        elif self.multi_label is False and self.label_separator is not None:
            what = "it is set, but dataset.multi_label is false"
            problems.append(Problem("dataset.label_separator", what, "leave one of them out"))
        return problems


def texts_of(columns: Columns, settings: ColumnSettings) -> list[Text]:
    """Return the texts of a table without problems: strings, or pairs of strings, one of which may be empty."""
    if len(settings.text_columns) == 1:
        return [str(cell) for cell in columns[settings.text_columns[0]]]
    parts = [["" if is_empty(cell) else str(cell) for cell in columns[name]] for name in settings.text_columns]
    return cast(list[Text], list(zip(*parts, strict=True)))


def column_problems(file: str, columns: Columns, settings: ColumnSettings) -> list[Problem]:
    """Return the problems of one part: missing columns, empty cells, and cells that are neither texts nor labels."""
    problems, known = [], list(columns)
    keys = [("dataset.text_column", name) for name in settings.text_columns]
    for key, column in [*keys, *(("dataset.label_column", name) for name in settings.label_columns)]:
        if column not in columns:
            otherwise = _label_columns(columns) if key == "dataset.label_column" else ""
            do = did_you_mean(column, known, otherwise or "choose one of them")
            do += f" (columns: {some(known, quote=False)})"
            problems.append(Problem(key, f"{file} has no column {column!r}", do))
    texts = [name for name in settings.text_columns if name in columns]
    problems += _empty_texts(file, columns, texts)
    for name in texts:
        problems += _non_texts(file, name, columns[name])
    if settings.label_column is None:
        present = [name for name in settings.label_columns if name in columns]
        problems += column_value_problems(file, columns, present)
    elif settings.label_column in columns:
        problems += _label_problems(file, settings.label_column, columns[settings.label_column], settings)
    return problems


def _label_columns(columns: Columns) -> str:
    """Return how to read the columns of 0 and 1, if there are several."""
    names = [name for name, cells in columns.items() if cells and not column_value_problems("", {name: cells}, [name])]
    if len(names) < 2:
        return ""
    return f"give {override_text('dataset.label_column', names)} to read these columns of 0 and 1 as labels"


def _empty_texts(file: str, columns: Columns, names: Sequence[str]) -> list[Problem]:
    if len(names) == 1:
        return _empty_cells("dataset.text_column", file, names[0], columns[names[0]])
    if not names:
        return []
    pairs = list(zip(*(columns[name] for name in names), strict=True))
    rows = [row for row, pair in enumerate(pairs, start=1) if all(map(is_empty, pair))]
    if not rows:
        return []
    what = f"both texts are empty in {len(rows)} of {len(pairs)} rows of {file} (rows {some(rows)})"
    return [Problem("dataset.text_column", what, "fill these rows or remove them")]


def _empty_cells(key: str, file: str, column: str, cells: list[object]) -> list[Problem]:
    rows = [row for row, cell in enumerate(cells, start=1) if is_empty(cell)]
    if not rows:
        return []
    only = any(isinstance(cell := cells[row - 1], str) and cell.strip() for row in rows)
    how = "empty or have control characters only" if only else "empty"
    what = f"{len(rows)} of {len(cells)} cells of {column!r} in {file} are {how} (rows {some(rows)})"
    return [Problem(key, what, "fill these rows or remove them")]


def _non_texts(file: str, column: str, cells: list[object]) -> list[Problem]:
    values = [cell for cell in cells if not is_empty(cell)]
    if values and all(is_number(value) for value in values):
        what = f"the column {column!r} of {file} contains numbers, not texts ({some(values)})"
    elif kinds := sorted({type(value).__name__ for value in values if not isinstance(value, str)}):
        what = f"the column {column!r} of {file} contains not only texts but also {', '.join(kinds)}"
    else:
        return []
    return [Problem("dataset.text_column", what, "name the column of the texts")]


def _label_problems(file: str, column: str, cells: list[object], settings: ColumnSettings) -> list[Problem]:
    empty = [] if settings.several_labels else _empty_cells("dataset.label_column", file, column, cells)
    return empty + _nested_labels(file, column, cells, settings)


def _nested_labels(file: str, column: str, cells: list[object], settings: ColumnSettings) -> list[Problem]:
    """Return the problems of labels that are lists: either every text has a list of its labels, or none has."""
    lists = [cell for cell in cells if isinstance(cell, list)]
    plain = not any(isinstance(cell, dict) for cell in cells)
    if plain and not lists:
        return []
    if not plain or any(isinstance(item, list | dict) for labels in lists for item in labels):
        what, do = "contains objects or lists of lists", "name a column with one label or one list of labels a text"
    elif settings.multi_label is False:
        what, do = "contains lists, but dataset.multi_label is false", "leave dataset.multi_label out"
    elif len(lists) < len(cells) and not settings.several_labels:
        what, do = "contains both lists and single labels", "write a list for each text, of one label too"
    elif any(is_empty(item) for labels in lists for item in labels):
        what, do = "has empty labels in its lists", "remove them; a text without labels has an empty list"
    else:
        return []
    return [Problem("dataset.label_column", f"the column {column!r} of {file} {what}", do)]
