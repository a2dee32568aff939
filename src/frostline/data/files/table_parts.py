"""Labelled texts from the columns of tables: one way for files and for data sets of the hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from frostline.data.checks import counted, label_problems, some
from frostline.data.corpus import DataNote, Label, Labelled, RawData
from frostline.data.files.cells import (
    Columns,
    is_empty,
    labels_of_columns,
    separator_of,
    several_labels_problem,
    split_labels,
)
from frostline.data.files.columns import ColumnSettings, column_problems, texts_of
from frostline.data.label_names import Spelling, class_of_spelling, similar_names, spelled_differently, spelling
from frostline.errors import Problem, UserError

Spelled = Spelling | list[Spelling]


def raw_data(
    tables: Mapping[str, tuple[str, Columns]],
    settings: ColumnSettings,
    notes: Sequence[DataNote] = (),
    problems: Sequence[Problem] = (),
) -> RawData:
    """Return the labelled texts of the parts: name of the part -> its description in messages, and its columns.

    notes, problems: on the files that the tables are from.

    Raises:
        UserError: with these problems and those of the columns, or with those of the labels.
    """
    parts, found = labelled_parts(tables, settings, notes, problems)
    raw = RawData(parts["train"], parts.get("val"), parts.get("test"), tuple(found))
    if problems := label_problems(raw):
        raise UserError(problems)
    return raw


def labelled_parts(
    tables: Mapping[str, tuple[str, Columns]],
    settings: ColumnSettings,
    notes: Sequence[DataNote] = (),
    problems: Sequence[Problem] = (),
    known: Sequence[str] = (),
) -> tuple[dict[str, Labelled], list[DataNote]]:
    """Return the labelled texts of the parts, whose labels are not compared with each other, and all notes.

    known: class names of another data set; the labels of the tables are spelled like them.

    Raises:
        UserError: with these problems and those of the columns.
    """
    problems = [*problems, *(p for file, columns in tables.values() for p in column_problems(file, columns, settings))]
    if problems:
        raise UserError(problems)
    found = list(notes)
    spelled = {part: _spelled_labels(file, columns, settings, found) for part, (file, columns) in tables.items()}
    counts = {part: Counter(s for label in labels for s in _each(label)) for part, labels in spelled.items()}
    classes = class_of_spelling([*(part.keys() for part in counts.values()), *([set(known)] if known else [])])
    found += _name_notes(classes, sum(counts.values(), Counter()))
    parts = {}
    for part, (file, columns) in tables.items():
        texts, labels = texts_of(columns, settings), [_label(label, classes) for label in spelled[part]]
        parts[part] = Labelled(texts, labels)
        if halves := [row for row, text in enumerate(texts, start=1) if not isinstance(text, str) and not all(text)]:
            what = f"one of the two texts is empty in {counted(len(halves), 'row')} of {file} (rows {some(halves)})"
            found.append(DataNote("empty_halves", len(halves), what))
    return parts, found


def _spelled_labels(file: str, columns: Columns, settings: ColumnSettings, notes: list[DataNote]) -> list[Spelled]:
    """Return the labels of each row as they are written: one, or a list.

    Raises:
        UserError: cells seem to have several labels, and the settings do not say whether they have.
    """
    column = settings.label_column
    if column is None:
        return [list(map(spelling, labels)) for labels in labels_of_columns(columns, settings.label_columns)]
    cells = columns[column]
    if not settings.several_labels:
        texts = dict.fromkeys(cell for cell in cells if isinstance(cell, str))
        if settings.multi_label is None and (problem := several_labels_problem(file, column, texts)):
            raise UserError(problem)
        return [list(map(spelling, cell)) if isinstance(cell, list) else spelling(cell) for cell in cells]
    separator = settings.label_separator
    if separator is None and (
        separator := separator_of({cell for cell in cells if isinstance(cell, str) and not is_empty(cell)})
    ):
        what = f"{separator!r} separates the labels of a cell in {file}; dataset.label_separator sets another one"
        notes.append(DataNote("label_separator", 1, what))
    if empty := [row for row, cell in enumerate(cells, start=1) if not isinstance(cell, list) and is_empty(cell)]:
        what = f"{counted(len(empty), 'text')} of {file} without a label: the cell is empty (rows {some(empty)})"
        notes.append(DataNote("without_label", len(empty), what))
    return [list(map(spelling, split_labels(cell, separator))) for cell in cells]


def _each(label: Spelled) -> Sequence[Spelling]:
    return label if isinstance(label, list) else (label,)


def _label(label: Spelled, classes: Mapping[Spelling, str]) -> Label:
    return tuple(sorted({classes[item] for item in label})) if isinstance(label, list) else classes[label]


def _name_notes(classes: Mapping[Spelling, str], counts: Mapping[Spelling, int]) -> list[DataNote]:
    """Return notes on classes with several spellings, and on classes whose names look alike."""
    notes = []
    if several := spelled_differently(classes):
        shown = some([f"{name!r} ({', '.join(map(repr, items))})" for name, items in several.items()], quote=False)
        notes.append(DataNote("spellings", len(several), f"classes that are written in several ways: {shown}"))
    of_class: Counter[str] = Counter()
    for item, name in classes.items():
        of_class[name] += counts[item]
    if groups := similar_names(of_class):
        shown = some([" and ".join(f"{n!r} ({of_class[n]} texts)" for n in group) for group in groups], quote=False)
        what = f"names of different classes differ only in case, white space or similar characters: {shown}"
        notes.append(DataNote("similar_names", sum(map(len, groups)), what))
    return notes
