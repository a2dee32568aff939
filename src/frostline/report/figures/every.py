"""All figures that the runs of a study hold enough for, and what is lacking for the others."""

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

MOST = 40  # arms that a reader can tell apart


def all_figures(study: Report) -> tuple[list[Figure], list[MissingFigure]]:
    """In the order in which a reader asks: how good, is it worth it, where does it hold, how did it come about."""
    found = list[Figure | MissingFigure](score_figures(study))
    if (many := len(list(arms_of(study)))) > MOST:
        found.append(MissingFigure("figures", f"{many} arms are more than can be told apart; ask for fewer rows"))
    else:
        found += [one for kind in KINDS for one in kind(study)]
    return [one for one in found if isinstance(one, Figure)], [one for one in found if isinstance(one, MissingFigure)]
