"""metrics.csv: step, epoch, name, value; one line a value."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

HEADER = ["step", "epoch", "name", "value"]


def append(path: Path, step: int, epoch: int, values: Mapping[str, float]) -> None:
    """Add values of one step; `repr` keeps every bit of them."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(HEADER)
        writer.writerows([step, epoch, name, repr(float(value))] for name, value in values.items())


def cut(path: Path, step: int) -> None:
    """Drop what a killed run wrote after the step it goes on from, its final scores, and a line cut short."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(HEADER)]
    kept = [row for row in rows[1:] if int(row[0]) <= step and not row[2].startswith("test")]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *kept])
