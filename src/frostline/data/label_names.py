"""Names of labels: the one place in which the cells of a table become class names.

The rules, for the labels of all parts of a data set together:

- A number is named by its value: 1, 1.0 and the texts "1", "1.0" and "+1" are the class 1; 2.50 and 2.5 are 2.5. If one
  part has both spellings of a number with a fraction, such as the sections 1.1 and 1.10, fractions stay as written.
- true and false of JSON and parquet are the classes `true` and `false`; the texts "True" and "TRUE" are the same class
  if all labels are such words, or if a part has a true or false that is not a text.
- Everything else that is written as text stays as it is written, without outer white space: 007, 1e5, NA and null are
  the classes 007, 1e5, NA and null.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<whole>0|[1-9][0-9]*)(?:\.(?P<fraction>[0-9]+))?")
ORDERED = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")  # with leading zeros too
WORDS = ("true", "false")

Spelling = str | bool


def spelling(cell: object) -> Spelling:
    """Return a label as it is written: texts and numbers as text, true and false as they are."""
    if isinstance(cell, str | bool):
        return cell
    if isinstance(cell, float) and cell - cell == 0:
        cell = Decimal(repr(cell))
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)


def class_of_spelling(parts: Sequence[Collection[Spelling]]) -> dict[Spelling, str]:
    """Return spelling -> class name, from the spellings in each part of a data set."""
    every = set().union(*parts)
    texts = {text.strip() for text in every if isinstance(text, str)}
    fold = any(isinstance(item, bool) for item in every) or all(text.lower() in WORDS for text in texts)
    by_value = not any(map(_has_two_spellings, parts))
    return {item: _name(item, fold, by_value) for item in sorted(every, key=lambda item: (str(item), str(type(item))))}


def _name(item: Spelling, fold: bool, by_value: bool) -> str:
    if isinstance(item, bool):
        return str(item).lower()
    text = item.strip()
    if fold and text.lower() in WORDS:
        return text.lower()
    match = NUMBER.fullmatch(text)
    if match is None or (_fraction(match) and not by_value):
        return text
    fraction = _fraction(match)
    sign = "-" if match["sign"] == "-" and (match["whole"] != "0" or fraction) else ""
    return f"{sign}{match['whole']}" + (f".{fraction}" if fraction else "")


def _fraction(match: re.Match[str]) -> str:
    """Return the digits after the point without trailing zeros."""
    return (match["fraction"] or "").rstrip("0")


def _has_two_spellings(part: Iterable[Spelling]) -> bool:
    """Return whether the part has a number with a fraction in two spellings."""
    texts = {item.strip() for item in part if isinstance(item, str)}
    matches = [match for match in map(NUMBER.fullmatch, texts) if match and _fraction(match)]
    return len({Decimal(match[0]) for match in matches}) < len(matches)


def sorted_names(names: Iterable[str]) -> list[str]:
    """Return class names in order: numbers by value, then the others as texts."""
    return sorted(names, key=_order)


def is_number_name(name: str) -> bool:
    """Return whether a class name is a number in decimal notation, without leading zeros."""
    return NUMBER.fullmatch(name) is not None


def _order(name: str) -> tuple[bool, Decimal, str]:
    is_number = ORDERED.fullmatch(name) is not None
    return not is_number, Decimal(name) if is_number else Decimal(0), name


def spelled_differently(classes: Mapping[Spelling, str]) -> dict[str, list[str]]:
    """Return class name -> its spellings, for classes with several."""
    spellings: dict[str, set[str]] = {}
    for item, name in classes.items():
        spellings.setdefault(name, set()).add(str(item).lower() if isinstance(item, bool) else item)
    return {name: sorted(spellings[name]) for name in sorted_names(spellings) if len(spellings[name]) > 1}


def similar_names(names: Iterable[str]) -> list[list[str]]:
    """Return groups of class names that differ only in case, white space or equivalent Unicode characters."""
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault("".join(unicodedata.normalize("NFKC", name).casefold().split()), []).append(name)
    return [group for group in groups.values() if len(group) > 1]
