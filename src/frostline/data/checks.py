"""Checks of labelled texts from any source; each function returns all problems at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from frostline.data.corpus import Label, Labelled, RawData, Text
from frostline.data.labels import counts
from frostline.errors import Problem, did_you_mean

SHOWN = 5  # values in a message


def label_problems(raw: RawData) -> list[Problem]:
    """Return the problems of the labels: every part must have classes of train, and enough texts of each."""
    if not raw.train.labels:
        return [Problem("dataset.train", "it has no texts", "give at least two texts of each class")]
    return [*_single_class(raw.train), *_unknown_labels(raw), *_rare_labels(raw)]


def _single_class(train: Labelled) -> list[Problem]:
    classes = set(counts(train.labels))
    if len(classes) > 1:
        return []
    what = f"all {len(train.labels)} texts have the label {next(iter(classes))!r}" if classes else "no text has a label"
    return [Problem("dataset.train", what, "a classifier needs two classes or more: correct dataset.label_column")]


def _unknown_labels(raw: RawData) -> list[Problem]:
    known, problems = counts(raw.train.labels).keys(), []
    for name, part in (("val", raw.val), ("test", raw.test)):
        if unknown := sorted(counts(part.labels).keys() - known if part else ()):
            what = f"it has labels that train lacks: {some(unknown)}"
            problems.append(Problem(f"dataset.{name}", what, "add such texts to train or remove them here"))
    return problems


def _rare_labels(raw: RawData) -> list[Problem]:
    """Return the labels with fewer texts than parts; with a given test part, val may lack the rarest classes."""
    if raw.test is not None:
        return []
    parts = ["train"] + [name for name, part in (("val", raw.val), ("test", raw.test)) if part is None]
    rare = {name: count for name, count in sorted(counts(raw.train.labels).items()) if count < len(parts)}
    if not rare:
        return []
    shown = some([f"{name!r} ({count})" for name, count in rare.items()], quote=False)
    what = f"too few texts for {', '.join(parts)}, each of which needs one: {shown}"
    return [Problem("dataset.train", what, "add texts, remove these labels, or give the other parts as files")]


def some(values: Sequence[object], quote: bool = True) -> str:
    """Format the first few values, and the number of the others."""
    shown = [repr(value) if quote else str(value) for value in values[:SHOWN]]
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(shown) + more


def naming_problems(text: str | Sequence[str], label: str) -> list[Problem]:
    """Return the problems of the columns' names alone."""
    names, problems = text_columns(text), []
    if not 1 <= len(names) <= 2:
        what = f"it names {len(names)} columns"
        problems.append(Problem("dataset.text_column", what, "name one, or two for pairs of texts"))
    elif len(set(names)) < len(names):
        problems.append(Problem("dataset.text_column", f"it names {names[0]!r} twice", "name two columns"))
    if label in names:
        what = f"{label!r} is the text column too"
        problems.append(Problem("dataset.label_column", what, "name the column of the labels"))
    return problems


def text_columns(text: str | Sequence[str]) -> list[str]:
    """Return the name of the text column, or both names for pairs of texts."""
    return [text] if isinstance(text, str) else list(text)


def texts_of(columns: dict[str, list[object]], text: str | Sequence[str]) -> list[Text]:
    """Return the texts of a table without problems: strings, or pairs of strings."""
    parts = [[str(cell) for cell in columns[name]] for name in text_columns(text)]
    return list(parts[0]) if len(parts) == 1 else cast(list[Text], list(zip(*parts, strict=True)))


def column_problems(
    file: str, columns: dict[str, list[object]], text: str | Sequence[str], label: str
) -> list[Problem]:
    """Return the problems of one part: missing columns, empty cells, and texts that are not strings."""
    problems, known = [], list(columns)
    names = text_columns(text)
    for key, column in (*(("dataset.text_column", name) for name in names), ("dataset.label_column", label)):
        if column not in columns:
            do = f"{did_you_mean(column, known, 'choose one of them')} (columns: {some(known, quote=False)})"
            problems.append(Problem(key, f"{file} has no column {column!r}", do))
    for name in (name for name in names if name in columns):
        problems += _empty_cells("dataset.text_column", file, name, columns[name]) + _non_texts(
            file, name, columns[name]
        )
    if label in columns:
        problems += _empty_cells("dataset.label_column", file, label, columns[label]) + _nested_labels(
            file, label, columns[label]
        )
    return problems


def _empty_cells(key: str, file: str, column: str, cells: list[object]) -> list[Problem]:
    rows = [row for row, cell in enumerate(cells, start=1) if is_empty(cell)]
    if not rows:
        return []
    what = f"{len(rows)} of {len(cells)} cells of {column!r} in {file} are empty (rows {some(rows)})"
    return [Problem(key, what, "fill these rows or remove them")]


def _non_texts(file: str, column: str, cells: list[object]) -> list[Problem]:
    values = [cell for cell in cells if not is_empty(cell)]
    if values and all(_is_number(value) for value in values):
        what = f"the column {column!r} of {file} contains numbers, not texts ({some(values)})"
    elif kinds := sorted({type(value).__name__ for value in values if not isinstance(value, str)}):
        what = f"the column {column!r} of {file} contains not only texts but also {', '.join(kinds)}"
    else:
        return []
    return [Problem("dataset.text_column", what, "name the column of the texts")]


def _nested_labels(file: str, column: str, cells: list[object]) -> list[Problem]:
    """Return the problems of labels that are lists: either every text has a list of its labels, or none has."""
    lists = [cell for cell in cells if isinstance(cell, list)]
    plain = not any(isinstance(cell, dict) for cell in cells)
    if plain and not lists:
        return []
    if not plain or any(isinstance(item, list | dict) for labels in lists for item in labels):
        what, do = "contains objects or lists of lists", "name a column with one label or one list of labels a text"
    elif len(lists) < len(cells):
        what, do = "contains both lists and single labels", "write a list for each text, of one label too"
    elif any(is_empty(item) for labels in lists for item in labels):
        what, do = "has empty labels in its lists", "remove them; a text without labels has an empty list"
    else:
        return []
    return [Problem("dataset.label_column", f"the column {column!r} of {file} {what}", do)]


def is_empty(cell: object) -> bool:
    """Return whether a cell is None, NaN or blank."""
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def _is_number(cell: object) -> bool:
    try:
        float(cell)  # type: ignore[arg-type]  # what cannot be converted is the answer
    except (TypeError, ValueError):
        return False
    return True


def label_of(cell: object) -> Label:
    """Return the label of a cell, or the sorted labels of a list without duplicates."""
    return tuple(sorted(set(map(label_name, cell)))) if isinstance(cell, list) else label_name(cell)


def label_name(cell: object) -> str:
    """Return a label as text: 1, not 1.0, if a file stored integers as floats."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
