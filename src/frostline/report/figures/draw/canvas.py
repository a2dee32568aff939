"""Draw a figure and save it, always to the same bytes."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import Any

from frostline.errors import Problem, UserError
from frostline.report.figures.confusion import ConfusionFigure
from frostline.report.figures.draw.scores import count_row_units
from frostline.report.figures.figure import Figure
from frostline.report.figures.lines import CurvesFigure
from frostline.report.figures.plans import PlanFigure
from frostline.report.figures.reliability import ReliabilityFigure
from frostline.report.figures.scores import ScoresFigure
from frostline.report.figures.shift import ShiftFigure
from frostline.report.figures.trade import TradeoffFigure
from frostline.report.figures.vectors import VectorsFigure

WIDTH, HEIGHT = 4.6, 3.2  # inches: a column of a paper, and a phone
MAX_WIDTH = 7.2  # both columns
LEGEND_LINE, SCORE_ROW = 0.18, 0.22  # inches
DPI = 200  # of PNG
METADATA = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}  # without the date
FORMATS = tuple(METADATA)


def require_matplotlib() -> None:
    """Raise a UserError if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401  # only tested
    except ImportError as error:
        remedy = "pip install 'frostline[report]'"
        raise UserError(Problem("matplotlib", "is not installed, but figures need it", remedy), "command") from error


def render(figure: Figure, form: str) -> bytes:
    """Return the figure as svg, png or pdf."""
    import matplotlib as mpl

    from frostline.report.figures.draw.style import SETTINGS

    buffer = io.BytesIO()
    settings: Any = SETTINGS | {"svg.hashsalt": figure.name}
    with mpl.rc_context(settings):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(_width(figure), _height(figure)), layout="constrained")
        _draw(canvas, figure)
        canvas.savefig(buffer, format=form, metadata=METADATA[form], dpi=DPI, transparent=form == "svg")
    return buffer.getvalue()


def write_figure(figure: Figure, form: str, folder: Path) -> Path:
    """Write the figure into a folder and return its path."""
    path = folder / f"{figure.name}.{form}"
    path.write_bytes(render(figure, form))
    return path


def _width(figure: Figure) -> float:
    return min(MAX_WIDTH, WIDTH + 1.3 * (len(figure.cols) - 1)) if isinstance(figure, ScoresFigure) else WIDTH


def _height(figure: Figure) -> float:
    match figure:
        case ScoresFigure():
            return 0.9 + SCORE_ROW * count_row_units(figure)
        case PlanFigure():
            return 1.3 + 0.34 * len(figure.phases)
        case ConfusionFigure():
            return 4.2
        case VectorsFigure():
            return 4.4 + LEGEND_LINE * len(figure.classes) / 2
    return HEIGHT + LEGEND_LINE * _legend_lines(figure)


def _legend_lines(figure: Figure) -> int:
    match figure:
        case TradeoffFigure() | ShiftFigure():
            return len(figure.points)
        case CurvesFigure():
            return len(figure.curves)
        case ReliabilityFigure():
            return len(figure.arms)
    return 0


def _draw(canvas: Any, figure: Figure) -> None:
    """Draw on one pair of axes, or on several panels below a common title."""
    import matplotlib as mpl

    from frostline.report.figures.draw import scores, vectors
    from frostline.report.figures.draw.style import TITLE_WIDTH, escape_dollar

    title = escape_dollar(textwrap.fill(figure.title, TITLE_WIDTH))
    match figure:
        case VectorsFigure():
            vectors.draw_vectors(canvas.subplots(2, 2), figure)
        case ScoresFigure():
            panels = canvas.subplots(1, len(figure.cols), sharex=True, sharey=True, squeeze=False)
            scores.draw_scores(panels, figure)
        case _:
            axes = canvas.subplots()
            _draw_axes(axes, figure)
            axes.set_title(title, loc="left")
            return
    canvas.suptitle(title, x=0.01, ha="left", fontsize=mpl.rcParams["axes.titlesize"])


def _draw_axes(axes: Any, figure: Figure) -> None:
    from frostline.report.figures.draw import heat, lines, reliability, shift, trade

    match figure:
        case TradeoffFigure():
            trade.draw_tradeoff(axes, figure)
        case CurvesFigure():
            lines.draw_curves(axes, figure)
        case ShiftFigure():
            shift.draw_shift(axes, figure)
        case PlanFigure():
            heat.draw_plan(axes, figure)
        case ConfusionFigure():
            heat.draw_confusion(axes, figure)
        case ReliabilityFigure():
            reliability.draw_reliability(axes, figure)
