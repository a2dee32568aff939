"""What must hold for labelled texts, wherever they come from; each function returns all problems it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from frostline.data.labels import counts
from frostline.errors import Problem, did_you_mean
from frostline.types import Label, Labelled, RawData, Text

SHOWN = 5


def label_problems(raw: RawData) -> list[Problem]:
    """Problems between the parts: a classifier learns train's classes, and every part must be able to hold them."""
    if not raw.train.labels:
        return [Problem("dataset.train", "it has no texts", "give at least two texts of each class")]
    return [*_one_class(raw.train), *_unknown(raw), *_rare(raw)]


def _one_class(train: Labelled) -> list[Problem]:
    classes = set(counts(train.labels))
    if len(classes) > 1:
        return []
    what = f"all {len(train.labels)} texts have the label {next(iter(classes))!r}" if classes else "no text has a label"
    return [Problem("dataset.train", what, "a classifier needs two classes or more: correct dataset.label_column")]


def _unknown(raw: RawData) -> list[Problem]:
    known, problems = counts(raw.train.labels).keys(), []
    for name, part in (("val", raw.val), ("test", raw.test)):
        if strangers := sorted(counts(part.labels).keys() - known if part else ()):
            what = f"it has labels that train lacks: {some(strangers)}"
            problems.append(Problem(f"dataset.{name}", what, "add such texts to train or remove them here"))
    return problems


def _rare(raw: RawData) -> list[Problem]:
    """Where the test part is given, as published data sets have it, val may do without the rarest classes."""
    if raw.test is not None:
        return []
    parts = ["train"] + [name for name, part in (("val", raw.val), ("test", raw.test)) if part is None]
    rare = {name: count for name, count in sorted(counts(raw.train.labels).items()) if count < len(parts)}
    if not rare:
        return []
    shown = some([f"{name!r} ({count})" for name, count in rare.items()], quote=False)
    what = f"too few texts to stand in {', '.join(parts)} at once, where each part needs one: {shown}"
    return [Problem("dataset.train", what, "add texts, remove these labels, or give the other parts as files")]


def some(values: Sequence[object], quote: bool = True) -> str:
    """The first few of them, and how many more there are."""
    shown = [repr(value) if quote else str(value) for value in values[:SHOWN]]
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(shown) + more


def naming_problems(text: str | Sequence[str], label: str) -> list[Problem]:
    """Problems of the columns' names alone."""
    names, problems = text_columns(text), []
    if not 1 <= len(names) <= 2:
        what = f"it names {len(names)} columns"
        problems.append(Problem("dataset.text_column", what, "name one, or two for pairs of texts"))
    elif len(set(names)) < len(names):
        problems.append(Problem("dataset.text_column", f"{names[0]!r} stands there twice", "name two columns"))
    if label in names:
        what = f"{label!r} is the text column too"
        problems.append(Problem("dataset.label_column", what, "name the column that holds the labels"))
    return problems


def text_columns(text: str | Sequence[str]) -> list[str]:
    """The column of single texts, or the two of pairs."""
    return [text] if isinstance(text, str) else list(text)


def texts_of(columns: dict[str, list[object]], text: str | Sequence[str]) -> list[Text]:
    """The texts of a table that has no problems: strings, or pairs of strings."""
    parts = [[str(cell) for cell in columns[name]] for name in text_columns(text)]
    return list(parts[0]) if len(parts) == 1 else cast(list[Text], list(zip(*parts, strict=True)))


def column_problems(
    file: str, columns: dict[str, list[object]], text: str | Sequence[str], label: str
) -> list[Problem]:
    """Problems within one part: absent columns, cells without a value, texts that are no texts."""
    problems, known = [], list(columns)
    names = text_columns(text)
    for key, column in (*(("dataset.text_column", name) for name in names), ("dataset.label_column", label)):
        if column not in columns:
            do = f"{did_you_mean(column, known, 'choose one of them')} (columns: {some(known, quote=False)})"
            problems.append(Problem(key, f"{file} has no column {column!r}", do))
    for name in (name for name in names if name in columns):
        problems += _cells("dataset.text_column", file, name, columns[name]) + _numbers(file, name, columns[name])
    if label in columns:
        problems += _cells("dataset.label_column", file, label, columns[label]) + _nested(file, label, columns[label])
    return problems


def _cells(key: str, file: str, column: str, cells: list[object]) -> list[Problem]:
    rows = [row for row, cell in enumerate(cells, start=1) if is_empty(cell)]
    if not rows:
        return []
    what = f"{len(rows)} of {len(cells)} cells of {column!r} in {file} are empty (rows {some(rows)})"
    return [Problem(key, what, "fill these rows or remove them")]


def _numbers(file: str, column: str, cells: list[object]) -> list[Problem]:
    values = [cell for cell in cells if not is_empty(cell)]
    if values and all(_is_number(value) for value in values):
        what = f"the column {column!r} of {file} holds numbers, not texts ({some(values)})"
    elif kinds := sorted({type(value).__name__ for value in values if not isinstance(value, str)}):
        what = f"the column {column!r} of {file} holds not only texts but also {', '.join(kinds)}"
    else:
        return []
    return [Problem("dataset.text_column", what, "name the column that holds the texts")]


def _nested(file: str, column: str, cells: list[object]) -> list[Problem]:
    """A list is the labels of one text, where every text has a list."""
    lists = [cell for cell in cells if isinstance(cell, list)]
    plain = not any(isinstance(cell, dict) for cell in cells)
    if plain and not lists:
        return []
    if not plain or any(isinstance(item, list | dict) for own in lists for item in own):
        what, do = "holds objects or lists of lists", "name a column with one label or one list of labels a text"
    elif len(lists) < len(cells):
        what, do = "holds lists beside single labels", "write a list for each text, of one label too"
    elif any(is_empty(item) for own in lists for item in own):
        what, do = "has empty labels in its lists", "remove them; a text without labels has an empty list"
    else:
        return []
    return [Problem("dataset.label_column", f"the column {column!r} of {file} {what}", do)]


def is_empty(cell: object) -> bool:
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def _is_number(cell: object) -> bool:
    try:
        float(cell)  # type: ignore[arg-type]  # what cannot be converted is the answer
    except (TypeError, ValueError):
        return False
    return True


def label_of(cell: object) -> Label:
    """A cell's label, or the labels of a list, each once."""
    return tuple(sorted(set(map(label_name, cell)))) if isinstance(cell, list) else label_name(cell)


def label_name(cell: object) -> str:
    """A label as a reader writes it: 1, not 1.0, where a file stored whole numbers as floats."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
