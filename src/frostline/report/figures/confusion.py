"""Which class is taken for which: counts of all runs of an arm together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.figures.figure import ArmRuns, Figure, MissingFigure, arms_of, file_name
from frostline.report.read import artifacts as records
from frostline.report.warnings.warning import format_count

KIND, MOST = "confusion matrix", 8
Counts = Sequence[Sequence[int]]


@dataclass(frozen=True)
class ConfusionFigure(Figure):
    """counts: (C, C), rows are true classes; shares: of each row."""

    classes: Sequence[str]
    counts: Counts

    @property
    def shares(self) -> list[list[float]]:
        return [[one / sum(row) if sum(row) else 0.0 for one in row] for row in self.counts]


def confusion_figures(study: Report) -> Iterator[ConfusionFigure | MissingFigure]:
    every = [arm for arm in arms_of(study) if any(run.confusion for run in arm.runs)]
    if not every:
        yield MissingFigure(KIND, "no run has one; texts of several labels have none")
    for arm in every[:MOST]:
        yield _confusion(arm)
    if (more := len(every) - MOST) > 0:
        yield MissingFigure(KIND, f"{more} more arms than {MOST}; ask for fewer rows")


def _confusion(arm: ArmRuns) -> ConfusionFigure | MissingFigure:
    runs = [run for run in arm.runs if run.confusion]
    names = {tuple(records.class_names(run)) for run in runs} - {()}
    sizes = {len(run.confusion) for run in runs}
    title = f"{KIND} of {arm.label}"
    if len(names) > 1 or len(sizes) > 1:
        return MissingFigure(title, "its runs have different classes")
    (size,) = sizes
    classes = next(iter(names), tuple(map(str, range(size))))
    if len(classes) != size:
        return MissingFigure(title, f"{size} classes were told apart, and {len(classes)} have names")
    counts = sum_matrices([run.confusion for run in runs])
    right = sum(counts[i][i] for i in range(size))
    of = f"{right:,} of {sum(map(sum, counts)):,} texts"
    says = f"{of} are told right, {format_count(len(runs))} together. Rows are true classes."
    return ConfusionFigure(file_name("confusion", arm.label), title, says, classes, counts)


def sum_matrices(tables: Sequence[Counts]) -> list[list[int]]:
    """(C, C) of each run -> (C, C)."""
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]
