"""A figure as a value, before it is drawn, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.figures.looks import DEFAULT_LOOK, Look, looks_of
from frostline.report.grid import Key
from frostline.report.read.runs import RunRecord, format_value
from frostline.report.statistics.intervals import Summary


@dataclass(frozen=True)
class MissingFigure:
    """kind: of figure, in words. why: what the runs lack."""

    kind: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind}: not drawn, {self.why}"


@dataclass(frozen=True)
class Figure:
    """name: of the file, without suffix. title: above the figure. caption: its content in words, also for readers who
    cannot see it."""

    name: str
    title: str
    caption: str


@dataclass(frozen=True)
class Curve:
    """One arm along x, with mean and 95% interval over seeds at each x."""

    label: str
    x: Sequence[float]
    y: Sequence[Summary]
    look: Look = DEFAULT_LOOK


@dataclass(frozen=True)
class ArmRuns:
    """The runs of a row and a column of the table."""

    label: str
    row: Key
    col: Key
    runs: Sequence[RunRecord]
    look: Look


def arms_of(report: Report, *without: str) -> Iterator[ArmRuns]:
    """Yield the arms in the order of the table. without: keys whose values are merged, such as those of an axis."""
    grid, by_label = report.grid, dict[str, ArmRuns]()
    looks = looks_of(grid)
    for row in grid.rows:
        for col in grid.cols:
            if runs := grid.cell(row, col):
                label = arm_label([(key, value) for key, value in grid.pairs(row, col) if key not in without])
                before = by_label.get(label)
                look = before.look if before else looks[row, col]
                by_label[label] = ArmRuns(label, row, col, [*(before.runs if before else ()), *runs], look)
    yield from by_label.values()


def arm_label(pairs: Sequence[tuple[str, object]]) -> str:
    """Return `full`, or `full, averaging=none, optimizer.lr=0.01`: the choice of a group needs no key."""
    words = [
        value if "." not in key and isinstance(value, str) and value != "none" else f"{key}={format_value(value)}"
        for key, value in pairs
    ]
    return ", ".join(words) or "all runs"


def file_name(*words: str) -> str:
    """Return a file name of letters that every file system accepts."""
    text = "-".join(words)
    return "".join(letter if letter.isalnum() or letter in "-_.=" else "-" for letter in text).strip("-.")[:100]
