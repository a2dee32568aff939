"""Which class is taken for which: counts of all runs of an arm together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Study
from frostline.report.figures.figure import Absent, Arm, Figure, arms, file_name
from frostline.report.read import artifacts as records
from frostline.report.warnings.warning import count

KIND, MOST = "confusion matrix", 8
Counts = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Confusion(Figure):
    """counts: (C, C), rows are true classes; shares: of each row."""

    classes: Sequence[str]
    counts: Counts

    @property
    def shares(self) -> list[list[float]]:
        return [[one / sum(row) if sum(row) else 0.0 for one in row] for row in self.counts]


def confusions(study: Study) -> Iterator[Confusion | Absent]:
    every = [arm for arm in arms(study) if any(run.confusion for run in arm.runs)]
    if not every:
        yield Absent(KIND, "no run has one; texts of several labels have none")
    for arm in every[:MOST]:
        yield _confusion(arm)
    if (more := len(every) - MOST) > 0:
        yield Absent(KIND, f"{more} more arms than {MOST}; ask for fewer rows")


def _confusion(arm: Arm) -> Confusion | Absent:
    runs = [run for run in arm.runs if run.confusion]
    names = {tuple(records.classes(run)) for run in runs} - {()}
    sizes = {len(run.confusion) for run in runs}
    title = f"{KIND} of {arm.label}"
    if len(names) > 1 or len(sizes) > 1:
        return Absent(title, "its runs have different classes")
    (size,) = sizes
    classes = next(iter(names), tuple(map(str, range(size))))
    if len(classes) != size:
        return Absent(title, f"{size} classes were told apart, and {len(classes)} have names")
    counts = added([run.confusion for run in runs])
    right = sum(counts[i][i] for i in range(size))
    of = f"{right:,} of {sum(map(sum, counts)):,} texts"
    says = f"{of} are told right, {count(len(runs))} together. Rows are true classes."
    return Confusion(file_name("confusion", arm.label), title, says, classes, counts)


def added(tables: Sequence[Counts]) -> list[list[int]]:
    """(C, C) of each run -> (C, C)."""
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]
