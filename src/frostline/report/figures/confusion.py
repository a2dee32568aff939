"""Confusion matrices: the counts of all runs of an arm together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.figures.figure import ArmRuns, Figure, MissingFigure, arms_of, file_name
from frostline.report.read import artifacts
from frostline.report.warnings.warning import format_count

KIND, MAX_FIGURES = "confusion matrix", 8
Counts = Sequence[Sequence[int]]


@dataclass(frozen=True)
class ConfusionFigure(Figure):
    """counts: (C, C), rows are true classes; shares: of each row."""

    classes: Sequence[str]
    counts: Counts

    @property
    def shares(self) -> list[list[float]]:
        return [[count / sum(row) if sum(row) else 0.0 for count in row] for row in self.counts]


def confusion_figures(report: Report) -> Iterator[ConfusionFigure | MissingFigure]:
    """Yield one figure for each arm."""
    arms = [arm for arm in arms_of(report) if any(run.confusion for run in arm.runs)]
    if not arms:
        yield MissingFigure(KIND, "no run has one; multilabel texts have none")
    for arm in arms[:MAX_FIGURES]:
        yield _confusion_figure(arm)
    if (more := len(arms) - MAX_FIGURES) > 0:
        yield MissingFigure(KIND, f"{more} more arms than {MAX_FIGURES}; select fewer rows")


def _confusion_figure(arm: ArmRuns) -> ConfusionFigure | MissingFigure:
    runs = [run for run in arm.runs if run.confusion]
    names = {tuple(artifacts.class_names(run)) for run in runs} - {()}
    sizes = {len(run.confusion) for run in runs}
    title = f"{KIND} of {arm.label}"
    if len(names) > 1 or len(sizes) > 1:
        return MissingFigure(title, "its runs have different classes")
    (size,) = sizes
    classes = next(iter(names), tuple(map(str, range(size))))
    if len(classes) != size:
        return MissingFigure(title, f"the matrix has {size} classes, and {len(classes)} have names")
    counts = sum_matrices([run.confusion for run in runs])
    correct = sum(counts[i][i] for i in range(size))
    share = f"{correct:,} of {sum(map(sum, counts)):,} texts"
    caption = f"{share} are predicted correctly, {format_count(len(runs))} together. Rows are true classes."
    return ConfusionFigure(file_name("confusion", arm.label), title, caption, classes, counts)


def sum_matrices(matrices: Sequence[Counts]) -> list[list[int]]:
    """Add matrices (C, C) element by element."""
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*matrices, strict=True)]
