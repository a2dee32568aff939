"""The file metrics.csv: step, epoch, name, value; a line for each value."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from frostline.results.atomic_files import write_text

HEADER = ["step", "epoch", "name", "value"]
LINE_END = b"\r\n"  # of the csv module


def append_metrics(path: Path, step: int, epoch: int, values: Mapping[str, float]) -> None:
    """Append the values of one step without rounding."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(HEADER)
        writer.writerows([step, epoch, name, repr(float(value))] for name, value in values.items())


def cut_after(path: Path, step: int) -> None:
    """Remove what a killed run has written after `step`, its test metrics, and an incomplete last line."""
    if not path.exists():
        return
    lines, end, _ = path.read_bytes().rpartition(LINE_END)
    rows = list(csv.reader(io.StringIO((lines + end).decode(), newline="")))[1:]
    content = io.StringIO(newline="")
    csv.writer(content).writerows([HEADER, *(r for r in rows if int(r[0]) <= step and not r[2].startswith("test"))])
    write_text(path, content.getvalue())
