"""Cells of a table: empty ones, invalid Unicode, and several labels of one text.

Labels of a text are a list in a cell, have a separator between them, or are columns of 0 and 1.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

from frostline.data.checks import some
from frostline.errors import Problem
from frostline.override_text import override_text

INVISIBLE = {"Cc", "Cf", "Cs"}  # Unicode categories: control and format characters, halves of surrogate pairs
SURROGATE, REPLACEMENT = re.compile("[\ud800-\udfff]"), "\ufffd"
LIST = re.compile(r"\s*[\[{](.*)[\]}]\s*", re.DOTALL)
ITEM = re.compile(r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^'",\s][^'",]*))\s*(?:,|$)""", re.DOTALL)
LIKELY = (";", "|")  # a label that is in two cells makes them separators
POSSIBLE = (",", "/", "+", "&")  # separators too if they make fewer labels than there are different cells
ZERO, ONE = ("0", "0.0", "false"), ("1", "1.0", "true")
MULTI_LABEL = "dataset.multi_label"

Columns = dict[str, list[object]]


def is_empty(cell: object) -> bool:
    """Return whether a cell is None, NaN, or a text without a visible character."""
    if isinstance(cell, str):
        return not (cell[:1].isalnum() or is_visible(cell))  # the first character decides quickly for most texts
    return cell is None or cell != cell


def is_visible(text: str) -> bool:
    """Return whether a text has a character that is neither white space nor a control or format character."""
    return any(not char.isspace() and unicodedata.category(char) not in INVISIBLE for char in text)


def is_number(cell: object) -> bool:
    """Return whether a cell is a number, or a text that Python reads as one."""
    try:
        float(cell)  # type: ignore[arg-type]  # what cannot be converted is the answer
    except (TypeError, ValueError):
        return False
    return True


def without_surrogates(cell: object) -> tuple[object, bool]:
    """Return a cell in which U+FFFD replaces each half of a surrogate pair, and whether there was one.

    Lists are searched, and their items are replaced; other objects are returned as they are.
    """
    if isinstance(cell, str):
        valid = SURROGATE.sub(REPLACEMENT, cell)
        return valid, valid != cell
    if isinstance(cell, list):
        items = [without_surrogates(item) for item in cell]
        return [item for item, _ in items], any(replaced for _, replaced in items)
    return cell, False


def items_of_list(text: str) -> list[str] | None:
    """Return the items of a list that is written in a cell, such as ['a', 'b'], ["a"] or [a, b]; None for other texts.

    Items without a comma between them, as numpy prints them, make it no list.
    """
    match = LIST.fullmatch(text)
    if match is None:
        return None
    inner, items, position = match[1].strip(), [], 0
    while position < len(inner):
        item = ITEM.match(inner, position)
        if item is None:
            return None
        single, double, bare = item.groups()
        items.append(
            bare.strip() if bare is not None else re.sub(r"\\(.)", r"\1", single if double is None else double)
        )
        position = item.end()
    return items


def separator_of(cells: Collection[str]) -> str | None:
    """Return the character that separates labels in some of these different cells, or None."""
    for separator in (*LIKELY, *POSSIBLE):
        sets = [{label for part in cell.split(separator) if (label := part.strip())} for cell in cells]
        counts = Counter(label for labels in sets for label in labels)
        shared = any(counts[label] > 1 for labels in sets if len(labels) > 1 for label in labels)
        if shared and (separator in LIKELY or len(counts) < len(cells)):
            return separator
    return None


def split_labels(cell: object, separator: str | None) -> list[object]:
    """Return the labels of a cell: those of its list, or those between separators; none for an empty cell."""
    if isinstance(cell, list):
        return cell
    if is_empty(cell):
        return []
    if not isinstance(cell, str):
        return [cell]
    items = items_of_list(cell)
    if items is None:
        items = cell.split(separator) if separator else [cell]
    return [item for item in items if item.strip()]


def several_labels_problem(file: str, column: str, cells: Collection[str]) -> Problem | None:
    """Return a problem if these different cells seem to have several labels, which nobody has asked to read."""
    lists = [cell for cell in cells if LIST.fullmatch(cell)]
    separator, known = None, all(items_of_list(cell) is not None for cell in lists)
    if not (lists and known and any("'" in cell or '"' in cell or "," in cell for cell in lists)):
        lists, separator = [], separator_of(cells)
    if not lists and separator is None:
        return None
    example = lists[0] if lists else next(cell for cell in cells if separator is not None and separator in cell)
    what = f"cells of {column!r} in {file} seem to have several labels, such as {example!r}"
    asked = override_text(MULTI_LABEL, "true")
    if separator is not None:
        asked += f" {override_text('dataset.label_separator', separator)}"
    do = f"give {asked} to read them, or {override_text(MULTI_LABEL, 'false')} if each cell is the name of one class"
    return Problem("dataset.label_column", what, do)


def column_value_problems(file: str, columns: Columns, names: Sequence[str]) -> list[Problem]:
    """Return the problems of columns of 0 and 1, one for each label."""
    problems = []
    for name in names:
        wrong = [(row, cell) for row, cell in enumerate(columns[name], start=1) if _bit(cell) is None]
        if wrong:
            rows = some([row for row, _ in wrong])
            what = f"{len(wrong)} of {len(columns[name])} cells of {name!r} in {file} are neither 0 nor 1"
            what += f", such as {wrong[0][1]!r} (rows {rows})"
            problems.append(Problem("dataset.label_column", what, "write 1 where a text has the label, 0 where not"))
    return problems


def labels_of_columns(columns: Columns, names: Sequence[str]) -> list[list[object]]:
    """Return for each row the names of the columns that have a 1."""
    return [
        [name for name, cell in zip(names, row, strict=True) if _bit(cell)]
        for row in zip(*(columns[name] for name in names), strict=True)
    ]


def _bit(cell: object) -> bool | None:
    """Return whether a cell says 1, or None if it says neither 0 nor 1."""
    text = str(cell).strip().lower()
    return True if text in ONE else False if text in ZERO else None
