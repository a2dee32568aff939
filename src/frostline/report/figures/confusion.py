"""Confusion matrices: the counts of all runs of an arm together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.figures.figure import ArmRuns, Figure, MissingFigure, arms_of, file_name
from frostline.report.read import artifacts
from frostline.report.warnings.warning import format_count

KIND, MAX_FIGURES = "confusion matrix", 8
MAX_CLASSES = 60  # whose cells can be distinguished and are drawn in seconds
MOST_CONFUSED = 30  # classes that are drawn where there are more
Cells = Mapping[tuple[int, int], int]  # (true class, predicted class) -> texts, without the pairs that do not occur


@dataclass(frozen=True)
class ConfusionFigure(Figure):
    """counts: (C, C), rows are true classes; supports (C,): all texts of each, also those whose cell is not shown."""

    classes: Sequence[str]
    counts: Sequence[Sequence[int]]
    supports: Sequence[int]

    @property
    def shares(self) -> list[list[float]]:
        """The share of all texts of a true class that has each predicted class."""
        rows = zip(self.counts, self.supports, strict=True)
        return [[count / texts if texts else 0.0 for count in row] for row, texts in rows]


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
    sizes = {len(run.supports) for run in runs}
    title = f"{KIND} of {arm.label}"
    if len(names) > 1 or len(sizes) > 1:
        return MissingFigure(title, "its runs have different classes")
    (size,) = sizes
    classes = next(iter(names), tuple(map(str, range(size))))
    if len(classes) != size:
        return MissingFigure(title, f"the matrix has {size} classes, and {len(classes)} have names")
    cells = sum_cells([run.confusion for run in runs])
    supports = [sum(texts) for texts in zip(*(run.supports for run in runs), strict=True)]
    correct = sum(texts for (true, predicted), texts in cells.items() if true == predicted)
    share = f"{correct:,} of {sum(supports):,} texts"
    caption = f"{share} are predicted correctly, {format_count(len(runs))} together. Rows are true classes."
    shown: Sequence[int] = range(size)
    if size > MAX_CLASSES:
        shown = most_confused(cells, MOST_CONFUSED)
        if not shown:
            return MissingFigure(title, f"{share} of its {size:,} classes are predicted correctly")
        caption += f" Only the {len(shown)} of {size:,} classes with the most errors are shown."
    counts = [[cells.get((true, predicted), 0) for predicted in shown] for true in shown]
    drawn = tuple(classes[c] for c in shown), counts, [supports[c] for c in shown]
    return ConfusionFigure(file_name("confusion", arm.label), title, caption, *drawn)


def sum_cells(matrices: Sequence[Cells]) -> Counter[tuple[int, int]]:
    """Add the cells of several matrices."""
    total: Counter[tuple[int, int]] = Counter()
    for matrix in matrices:
        total.update(matrix)
    return total


def most_confused(cells: Cells, count: int) -> list[int]:
    """Return the classes with the most errors, as true or as predicted class, in the order of their indices."""
    errors: Counter[int] = Counter()
    for (true, predicted), texts in cells.items():
        if true != predicted:
            errors[true] += texts
            errors[predicted] += texts
    return sorted(sorted(errors, key=lambda c: (-errors[c], c))[:count])
