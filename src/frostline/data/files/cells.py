"""Cells of a table: which ones are empty, and which ones are not valid Unicode."""

from __future__ import annotations

import re
import unicodedata

INVISIBLE = {"Cc", "Cf", "Cs"}  # Unicode categories: control and format characters, halves of surrogate pairs
SURROGATE, REPLACEMENT = re.compile("[\ud800-\udfff]"), "\ufffd"

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
