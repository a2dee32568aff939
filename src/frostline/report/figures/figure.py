"""A figure as a value, before anything is drawn, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.grid import Key
from frostline.report.read.runs import RunRecord, format_value
from frostline.report.statistics.intervals import Summary


@dataclass(frozen=True)
class MissingFigure:
    """kind: of figure, in words; why: what the runs lack for it."""

    kind: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind}: not drawn, {self.why}"


@dataclass(frozen=True)
class Figure:
    """name: of its file, without ending. title: over it. says: what is to be seen, for those who cannot see it, too."""

    name: str
    title: str
    says: str


@dataclass(frozen=True)
class Curve:
    """One arm along x: mean and 95% interval over its seeds at each of these places."""

    label: str
    x: Sequence[float]
    y: Sequence[Summary]


@dataclass(frozen=True)
class ArmRuns:
    """A row and a column of the table, with its runs."""

    label: str
    row: Key
    col: Key
    runs: Sequence[RunRecord]


def arms_of(study: Report, *without: str) -> Iterator[ArmRuns]:
    """In the order of the table. without: keys whose values are put together, as those along an axis are."""
    grid, found = study.grid, dict[str, ArmRuns]()
    for row in grid.rows:
        for col in grid.cols:
            if runs := grid.cell(row, col):
                shown = [(key, value) for key, value in grid.placed(row, col) if key not in without]
                label = arm_label(shown)
                before = found[label].runs if label in found else ()
                found[label] = ArmRuns(label, row, col, [*before, *runs])
    yield from found.values()


def arm_label(shown: Sequence[tuple[str, object]]) -> str:
    """`full`, or `full, averaging=none, optimizer.lr=0.01`: a group's choice alone tells what it is."""
    words = [
        value if "." not in key and isinstance(value, str) and value != "none" else f"{key}={format_value(value)}"
        for key, value in shown
    ]
    return ", ".join(words) or "all runs"


def file_name(*words: str) -> str:
    """Of letters that every file system takes."""
    text = "-".join(words)
    return "".join(letter if letter.isalnum() or letter in "-_.=" else "-" for letter in text).strip("-.")[:100]
