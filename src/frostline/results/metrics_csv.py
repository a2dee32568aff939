"""metrics.csv: step, epoch, name, value; one line a value."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from frostline.results.atomic_files import write_text

HEADER = ["step", "epoch", "name", "value"]
LINE_END = b"\r\n"  # as csv has it


def append_metrics(path: Path, step: int, epoch: int, values: Mapping[str, float]) -> None:
    """Add values of one step; `repr` keeps every bit of them."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(HEADER)
        writer.writerows([step, epoch, name, repr(float(value))] for name, value in values.items())


def cut_after(path: Path, step: int) -> None:
    """Drop what a killed run wrote after the step it goes on from, its final scores, and a line cut short."""
    if not path.exists():
        return
    whole, end, _ = path.read_bytes().rpartition(LINE_END)
    rows = list(csv.reader(io.StringIO((whole + end).decode(), newline="")))[1:]
    kept = io.StringIO(newline="")
    csv.writer(kept).writerows([HEADER, *(r for r in rows if int(r[0]) <= step and not r[2].startswith("test"))])
    write_text(path, kept.getvalue())
