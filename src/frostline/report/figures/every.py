"""All figures that the runs of a report have data for, and the reasons why some are missing."""

from __future__ import annotations

from frostline.report.build import Report
from frostline.report.figures.confusion import confusion_figures
from frostline.report.figures.figure import Figure, MissingFigure, arms_of
from frostline.report.figures.lines import epoch_curves, interpolation_curves, size_curves
from frostline.report.figures.plans import plan_figures
from frostline.report.figures.reliability import reliability_figure
from frostline.report.figures.scores import score_figures
from frostline.report.figures.shift import shift_figures
from frostline.report.figures.trade import tradeoff_figures
from frostline.report.figures.vectors import vectors_figures

KINDS = (
    tradeoff_figures,
    size_curves,
    shift_figures,
    epoch_curves,
    plan_figures,
    confusion_figures,
    reliability_figure,
    vectors_figures,
    interpolation_curves,
)
MAX_ARMS = 40  # that a reader can distinguish


def all_figures(report: Report) -> tuple[list[Figure], list[MissingFigure]]:
    """Return the figures, scores and costs first, then training, then errors; and those that cannot be drawn."""
    figures = list[Figure | MissingFigure](score_figures(report))
    if (arms := len(list(arms_of(report)))) > MAX_ARMS:
        figures.append(MissingFigure("figures", f"{arms} arms are too many to distinguish; select fewer rows"))
    else:
        figures += [figure for kind in KINDS for figure in kind(report)]
    complete = [figure for figure in figures if isinstance(figure, Figure)]
    return complete, [figure for figure in figures if isinstance(figure, MissingFigure)]
