"""A figure drawn and saved, always to the same bytes."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import Any

from frostline.errors import Problem, UserError
from frostline.report.figures.confusion import ConfusionFigure
from frostline.report.figures.draw.scores import rows_high
from frostline.report.figures.figure import Figure
from frostline.report.figures.lines import CurvesFigure
from frostline.report.figures.plans import PlanFigure
from frostline.report.figures.reliability import ReliabilityFigure
from frostline.report.figures.scores import ScoresFigure
from frostline.report.figures.shift import ShiftFigure
from frostline.report.figures.trade import TradeoffFigure
from frostline.report.figures.vectors import VectorsFigure

WIDTH, HEIGHT = 4.6, 3.2  # inches: a column of a paper, and a phone
WIDE = 7.2  # both columns
LINE, ROW = 0.18, 0.22  # inches of a line of the legend, and of a row of scores
DOTS = 200  # an inch, of PNG
MADE = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}  # else each day another file
FORMATS = tuple(MADE)


def require_matplotlib() -> None:
    """Raises UserError where matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401  # asked for, not used
    except ImportError as error:
        do = "pip install 'frostline[report]'"
        raise UserError(Problem("matplotlib", "is not installed, and draws the figures", do), "command") from error


def render(figure: Figure, form: str) -> bytes:
    """form: svg, png or pdf."""
    import matplotlib as mpl

    from frostline.report.figures.draw import scores, vectors
    from frostline.report.figures.draw.style import LONG, SETTINGS, escape_dollar

    kept = io.BytesIO()
    settings: Any = SETTINGS | {"svg.hashsalt": figure.name}
    with mpl.rc_context(settings):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(_width(figure), _height(figure)), layout="constrained")
        title = escape_dollar(textwrap.fill(figure.title, LONG))
        if isinstance(figure, VectorsFigure | ScoresFigure):
            if isinstance(figure, VectorsFigure):
                vectors.draw(canvas.subplots(2, 2), figure)
            else:
                panels = canvas.subplots(1, len(figure.cols), sharex=True, sharey=True, squeeze=False)
                scores.draw(panels, figure)
            canvas.suptitle(title, x=0.01, ha="left", fontsize=mpl.rcParams["axes.titlesize"])
        else:
            axes = canvas.subplots()
            _draw(axes, figure)
            axes.set_title(title, loc="left")
        transparent = form == "svg"
        canvas.savefig(kept, format=form, metadata=MADE[form], dpi=DOTS, transparent=transparent)
    return kept.getvalue()


def write_figure(figure: Figure, form: str, folder: Path) -> Path:
    path = folder / f"{figure.name}.{form}"
    path.write_bytes(render(figure, form))
    return path


def _width(figure: Figure) -> float:
    return min(WIDE, WIDTH + 1.3 * (len(figure.cols) - 1)) if isinstance(figure, ScoresFigure) else WIDTH


def _height(figure: Figure) -> float:
    if isinstance(figure, ScoresFigure):
        return 0.9 + ROW * rows_high(figure)
    if isinstance(figure, PlanFigure):
        return 1.3 + 0.34 * len(figure.phases)
    if isinstance(figure, ConfusionFigure):
        return 4.2
    if isinstance(figure, VectorsFigure):
        return 4.4 + LINE * len(figure.classes) / 2
    return HEIGHT + LINE * _named(figure)


def _named(figure: Figure) -> int:
    """Arms that its legend names."""
    match figure:
        case TradeoffFigure():
            return len(figure.points)
        case CurvesFigure():
            return len(figure.lines)
        case ShiftFigure():
            return len(figure.places)
        case ReliabilityFigure():
            return len(figure.arms)
    return 0


def _draw(axes: Any, figure: Figure) -> None:
    from frostline.report.figures.draw import heat, lines, reliability, shift, trade

    match figure:
        case TradeoffFigure():
            trade.draw(axes, figure)
        case CurvesFigure():
            lines.draw(axes, figure)
        case ShiftFigure():
            shift.draw(axes, figure)
        case PlanFigure():
            heat.draw_plan(axes, figure)
        case ConfusionFigure():
            heat.draw_confusion(axes, figure)
        case ReliabilityFigure():
            reliability.draw(axes, figure)
