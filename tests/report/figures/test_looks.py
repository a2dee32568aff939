"""An arm looks the same in every figure of a report (frostline.report.figures.looks), and epochs are whole numbers."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure as Canvas

import report_folders as folders
from frostline.report.build import Report, build_report
from frostline.report.figures.draw.lines import draw_curves
from frostline.report.figures.draw.style import COLOURS, MARKS, look_style
from frostline.report.figures.every import all_figures
from frostline.report.figures.lines import CurvesFigure
from frostline.report.figures.looks import Look, looks_of
from frostline.report.figures.reliability import ReliabilityFigure
from frostline.report.figures.scores import ScoresFigure
from frostline.report.figures.shift import ShiftFigure
from frostline.report.figures.trade import TradeoffFigure
from frostline.report.query import Query

mpl.use("agg")
ENCODERS = ("bert_tiny", "minilm")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two encoders, three strategies and two data sets, with curves of four epochs; one cell has no run."""
    monkeypatch.chdir(tmp_path)
    for encoder in ENCODERS:
        for freezing in ("frozen", "full", "lp_ft"):
            for dataset in ("vader_movies", "vader_nyt"):
                if (encoder, freezing, dataset) != ("minilm", "frozen", "vader_movies"):
                    write(encoder, freezing, dataset)


def write(encoder: str, freezing: str, dataset: str) -> None:
    config = {"encoder.name": encoder, "dataset.domain": dataset}
    choices = {"encoder": encoder, "dataset": dataset}
    folder = folders.run(Path("runs"), freezing, choices=choices, config=config, metrics={"test_tweets/f1_macro": 0.5})
    names = ("val/f1_macro", "val/loss", "train/loss", "train/lr")
    rows = [f"{8 * at},{at},{name},{0.1 * at}" for at in range(1, 5) for name in names]
    (folder / "metrics.csv").write_text("\r\n".join(["step,epoch,name,value", *rows, ""]))


def build(rows: tuple[str, ...], cols: tuple[str, ...] = ()) -> Report:
    return build_report(["runs"], Query(rows=rows, cols=cols))


@pytest.mark.parametrize(
    ("rows", "cols"),
    [
        (("encoder", "freezing"), ("dataset",)),
        (("freezing",), ("encoder", "dataset")),
        (("dataset", "freezing", "encoder"), ()),
    ],
)
def test_the_colour_is_the_arm_and_the_marker_the_encoder(rows: tuple[str, ...], cols: tuple[str, ...]) -> None:
    report = build(rows, cols)
    looks = looks_of(report.grid)
    assert len(looks) == len(set(looks.values())) == 11
    for attribute, key in (("colour", "freezing"), ("marker", "encoder"), ("line", "dataset")):
        values = {dict(report.grid.pairs(*cell))[key]: getattr(look, attribute) for cell, look in looks.items()}
        for cell, look in looks.items():
            assert getattr(look, attribute) == values[dict(report.grid.pairs(*cell))[key]]
        assert len(set(values.values())) == len(values)


def test_an_arm_looks_the_same_in_every_figure() -> None:
    figures, _ = all_figures(build(("encoder", "freezing"), ("dataset",)))
    by_label: dict[str, set[Look]] = {}
    kinds = set()
    for figure in figures:
        shown = []
        match figure:
            case CurvesFigure():
                shown = [(curve.label, curve.look) for curve in figure.curves]
            case TradeoffFigure() | ShiftFigure():
                shown = [(point.label, point.look) for point in figure.points]
            case ReliabilityFigure():
                shown = [(arm.label, arm.look) for arm in figure.arms]
            case ScoresFigure():
                for row, look in zip(figure.rows, figure.looks, strict=True):
                    colours = {one.colour for label, looks in by_label.items() if row in label for one in looks}
                    assert colours <= {look.colour}
        kinds |= {type(figure)} if shown else set()
        for label, look in shown:
            by_label.setdefault(label, set()).add(look)
    assert {CurvesFigure, TradeoffFigure, ShiftFigure} <= kinds
    assert len(by_label) == 11 and all(len(looks) == 1 for looks in by_label.values())


def test_many_arms_of_one_encoder_and_condition_differ_in_print_too() -> None:
    styles = [look_style(Look(at, at, at)) for at in range(40)]
    shown = {(style["color"], style["marker"], str(style["linestyle"])) for style in styles}
    assert len(shown) == len(styles)
    assert (styles[1]["color"], styles[1]["marker"]) == (COLOURS[1], MARKS[1])
    report = build(("freezing",))
    assert [(look.colour, look.marker, look.line, look.filling) for look in looks_of(report.grid).values()] == [
        (0, 0, 0, 0),
        (1, 1, 1, 0),
        (2, 2, 2, 0),
    ]


def test_the_training_loss_and_the_learning_rate_are_drawn_over_whole_epochs() -> None:
    figures, _ = all_figures(build(("freezing",)))
    curves = {figure.y: figure for figure in figures if isinstance(figure, CurvesFigure)}
    assert {"val/f1_macro", "val/loss", "train/loss", "train/lr"} <= set(curves)
    assert [list(curve.x) for curve in curves["train/loss"].curves] == [[1, 2, 3, 4]] * 3


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 12, 13, 14, 30, 100])
def test_the_ticks_of_an_epoch_axis_are_whole(epochs: int) -> None:
    for file in Path("runs").glob("*/metrics.csv"):
        rows = [f"{at},{at},train/loss,{1 / at}" for at in range(1, epochs + 1)]
        file.write_text("\r\n".join(["step,epoch,name,value", *rows, ""]))
    figures, missing = all_figures(build(("freezing",)))
    drawn = [one for one in figures if isinstance(one, CurvesFigure) and one.y == "train/loss"]
    if epochs == 1:
        assert not drawn and any("train/loss" in str(one) for one in missing)
        return
    canvas = Canvas()
    axes = canvas.subplots()
    draw_curves(axes, drawn[0])
    canvas.draw_without_rendering()
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert len(ticks) > 1 and all(float(tick).is_integer() for tick in ticks), ticks
