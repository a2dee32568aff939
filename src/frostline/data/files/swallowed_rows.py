"""Rows of a csv file that an unbalanced quotation mark has made part of one cell."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence

LONGER = 5  # times the median length of a column
SHARE = 0.5  # of the line breaks of a cell, each of which ends a line that looks like a row


def swallowing_rows(rows: Sequence[Sequence[str]], separator: str, label: int | None) -> list[int]:
    """Return the indices of rows that seem to contain other rows, of a table with the labels in the column `label`.

    A line of a cell looks like a row if it has as many cells, and a label without outer white space. A cell with line
    breaks seems to contain rows if half of its lines look like rows with labels of the table; or if all of its lines
    look like rows, there are several, and the cell is several times as long as the median of its column or has more
    rows than the rest of the table.
    """
    broken = {i: columns for i, row in enumerate(rows) if (columns := _broken_cells(row))}
    if not broken:
        return []
    labels = set() if label is None else {row[label] for i, row in enumerate(rows) if i not in broken}
    found = []
    for i, columns in broken.items():
        for column in columns:
            lines = rows[i][column].splitlines()
            like_rows = [cells for line in lines if _is_row(cells := _cells(line, separator), len(rows[i]), label)]
            labelled = sum(label is not None and cells[label] in labels for cells in like_rows)
            if labelled >= max(1, SHARE * (len(lines) - 1)):
                found.append(i)
            elif len(like_rows) > 1 and len(like_rows) >= len(lines) - 1:
                long = len(rows[i][column]) > LONGER * _median_length(rows, column)
                found += [i] if long or len(like_rows) > len(rows) - len(broken) else []
    return list(dict.fromkeys(found))


def _is_row(cells: Sequence[str], width: int, label: int | None) -> bool:
    if len(cells) != width:
        return False
    return label is None or (cells[label] != "" and cells[label] == cells[label].strip())


def _broken_cells(row: Sequence[str]) -> list[int]:
    return [column for column, cell in enumerate(row) if "\n" in cell or "\r" in cell]


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _median_length(rows: Sequence[Sequence[str]], column: int) -> float:
    return statistics.median(len(row[column]) for row in rows if column < len(row))
