"""All figures that the runs of a study hold enough for, and what is lacking for the others."""

from __future__ import annotations

from frostline.report.build import Study
from frostline.report.figures.confusion import confusions
from frostline.report.figures.figure import Absent, Figure, arms
from frostline.report.figures.lines import over_epochs, over_mixtures, over_sizes
from frostline.report.figures.plans import plans
from frostline.report.figures.reliability import reliabilities
from frostline.report.figures.scores import scores
from frostline.report.figures.shift import shifts
from frostline.report.figures.trade import trades
from frostline.report.figures.vectors import moved

KINDS = (trades, over_sizes, shifts, over_epochs, plans, confusions, reliabilities, moved, over_mixtures)

MOST = 40  # arms that a reader can tell apart


def every(study: Study) -> tuple[list[Figure], list[Absent]]:
    """In the order in which a reader asks: how good, is it worth it, where does it hold, how did it come about."""
    found = list[Figure | Absent](scores(study))
    if (many := len(list(arms(study)))) > MOST:
        found.append(Absent("figures", f"{many} arms are more than can be told apart; ask for fewer rows"))
    else:
        found += [one for kind in KINDS for one in kind(study)]
    return [one for one in found if isinstance(one, Figure)], [one for one in found if isinstance(one, Absent)]
