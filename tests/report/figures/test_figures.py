"""The values of each figure, computed in a second way; and the reasons for figures that are not figures.

Tests frostline.report.figures.draw.heat, frostline.report.figures.draw.style,
frostline.report.read.artifacts.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy import stats
from sklearn.calibration import calibration_curve

import report_folders as folders
from command_line import Command, in_process
from frostline.report.build import Report, build_report
from frostline.report.figures.confusion import MAX_CLASSES, MOST_CONFUSED, ConfusionFigure
from frostline.report.figures.draw.canvas import render
from frostline.report.figures.every import all_figures
from frostline.report.figures.figure import Figure
from frostline.report.figures.lines import CurvesFigure
from frostline.report.figures.plans import PlanFigure, parse_plan
from frostline.report.figures.reliability import ReliabilityFigure, make_calibration_curve
from frostline.report.figures.scores import ScoresFigure
from frostline.report.figures.shift import ShiftFigure
from frostline.report.figures.trade import TradeoffFigure, pareto_front
from frostline.report.query import Query

frostline = in_process
PLAN = """phase  epochs  emb   0  1+  head  trainable  frost line
probe  1-2     ·     ·  ·   1     387    4 of 5
tune   3       0.05  *  1   1     9,000  0 of 5
9,000 of 9,000 parameters are trainable in at least one phase
"""


def build(*metrics: str, rows: tuple[str, ...] = ("freezing",), cols: tuple[str, ...] = ()) -> Report:
    return build_report(["runs"], Query(rows=rows, cols=cols, metrics=metrics or ("test/f1_macro",)))


def figure(kind: type[Figure], name: str = "", *metrics: str, **shown: tuple[str, ...]) -> Figure:
    figures, _ = all_figures(build(*metrics, **shown))
    return next(one for one in figures if isinstance(one, kind) and one.name.startswith(name))


def missing(study: Report) -> str:
    return "\n".join(map(str, all_figures(study)[1]))


@pytest.mark.parametrize("metric", ["test/accuracy", "test/loss"])
def test_the_pareto_front_is_that_of_brute_force(metric: str) -> None:
    rng = random.Random(0)
    sign = 1 if metric == "test/accuracy" else -1
    for _ in range(200):
        points = [(rng.randint(0, 5), rng.randint(0, 5)) for _ in range(rng.randint(1, 8))]
        best = {
            i
            for i, (x, y) in enumerate(points)
            if not any(a <= x and sign * b >= sign * y and (a, b) != (x, y) for a, b in points)
        }
        assert set(pareto_front(metric, points)) == best
        assert [points[i][0] for i in pareto_front(metric, points)] == sorted(points[i][0] for i in best)


def test_scores_have_student_s_intervals_row_by_row() -> None:
    scores = {"frozen": [0.6, 0.65, 0.61], "full": [0.8, 0.7, 0.75]}
    for freezing, values in scores.items():
        for seed, value in enumerate(values):
            folders.run(Path("runs"), freezing, seed, value)
    folders.run(Path("runs"), "full", 9, 0.5, choices={"head": "mlp"})
    result = figure(ScoresFigure, "scores", "test/accuracy", rows=("head", "freezing"), cols=("dataset", "pooler"))
    assert isinstance(result, ScoresFigure)
    assert result.rows == ["linear, frozen", "linear, full", "mlp, full"]
    assert (result.groups, result.cols) == (["linear", "linear", "mlp"], ["vader_movies, mean"])
    for values, [summary] in zip(scores.values(), result.summaries, strict=False):
        assert summary is not None
        low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
        assert (summary.mean, summary.low, summary.high) == pytest.approx((np.mean(values), low, high))
    [alone] = result.summaries[2]
    assert alone is not None
    assert (alone.mean, alone.low) == (0.5, None)


def test_a_wide_table_is_drawn_row_by_row_alone() -> None:
    """Its 41 arms are too many for the other figures; a cell without runs has no point."""
    kinds = [f"kind{at}" for at in range(21)]
    for col, pooler in enumerate(("cls", "mean")):
        for freezing in kinds[col:]:
            folders.run(Path("runs"), freezing, col, choices={"pooler": pooler})
    [result], _ = all_figures(build("test/accuracy", cols=("pooler",)))
    assert isinstance(result, ScoresFigure)
    assert [[summary is None for summary in row] for row in result.summaries] == [[False, True], *[[False, False]] * 20]
    assert render(result, "svg").startswith(b"<?xml")
    assert missing(build(rows=("pooler",), cols=("freezing",))).splitlines()[0] == (
        "test/f1_macro, row by row: not drawn, 2 rows and 21 columns are too many; select fewer"
    )


def test_a_score_is_drawn_against_its_cost() -> None:
    for freezing, score, trainable in (("frozen", 0.6, 387), ("full", 0.8, 9000), ("top_k", 0.5, 800)):
        for seed in (1, 2):
            folders.run(Path("runs"), freezing, seed, score + 0.1 * seed, trainable=trainable)
    result = figure(TradeoffFigure, "cost", "test/accuracy")
    assert isinstance(result, TradeoffFigure)
    assert {point.label: point.xy for point in result.points} == {
        "frozen": (387, pytest.approx(0.75)),
        "full": (9000, pytest.approx(0.95)),
        "top_k": (800, pytest.approx(0.65)),
    }
    assert list(result.front) == ["frozen", "full"]


def test_a_plan_is_read_as_it_was_printed() -> None:
    folder = folders.run(Path("runs"), "lp_ft")
    (folder / "plan.txt").write_text(PLAN)
    result = figure(PlanFigure)
    assert isinstance(result, PlanFigure)
    assert result.blocks == ["emb", "0", "1+", "head"]
    assert result.phases == ["probe, 1-2", "tune, 3"]
    assert result.cells == [["·", "·", "·", "1"], ["0.05", "*", "1", "1"]]
    assert parse_plan("phase\nof something else") is None


def test_bands_over_epochs_are_those_of_numpy_and_scipy() -> None:
    """Up to the last epoch of the shortest run, and without a truncated last line."""
    values = np.array([[0.5, 0.6, 0.65], [0.55, 0.58, 0.7], [0.4, 0.66, 0.9]])
    for seed, scores in enumerate(values):
        folder = folders.run(Path("runs"), "full", seed)
        rows = [f"{8 * at + 8},{at + 1},val/f1_macro,{value}" for at, value in enumerate(scores)]
        rows = rows[:2] if seed == 2 else rows
        (folder / "metrics.csv").write_text("\r\n".join(["step,epoch,name,value", *rows, "30,3,val/f1_macro,"]))
    result = figure(CurvesFigure, "epochs-val-f1")
    assert isinstance(result, CurvesFigure)
    (curve,) = result.curves
    assert list(curve.x) == [1, 2]
    for at, one in enumerate(curve.y):
        column = values[:, at]
        half = stats.t.ppf(0.975, 2) * column.std(ddof=1) / np.sqrt(3)
        assert (one.mean, one.low, one.high) == pytest.approx(
            (column.mean(), column.mean() - half, column.mean() + half)
        )


def test_a_score_is_drawn_against_the_training_set_size() -> None:
    for size, score in ((16, 0.5), (64, 0.6), (None, 0.7)):
        for seed in (1, 2):
            more = {"data": {"texts": {"train": 500}, "classes": ["a", "b", "c"], "shifts": {}}}
            config = {"dataset.max_train": size}
            folders.run(Path("runs"), "full", seed, score + 0.02 * seed, config=config, environment=more)
    result = figure(CurvesFigure, "size", "test/accuracy")
    assert isinstance(result, CurvesFigure)
    (curve,) = result.curves
    assert list(curve.x) == [16, 64, 500]
    assert [one.mean for one in curve.y] == pytest.approx([0.53, 0.63, 0.73])


def test_the_in_domain_score_is_drawn_against_the_shifted_score() -> None:
    for seed in (1, 2):
        folders.run(Path("runs"), "full", seed, 0.7 + 0.1 * seed, metrics={"test_nyt/accuracy": 0.4 + 0.1 * seed})
    result = figure(ShiftFigure, "shift", "test/accuracy")
    assert isinstance(result, ShiftFigure)
    (point,) = result.points
    assert (point.in_domain.mean, point.shifted.mean) == pytest.approx((0.85, 0.55))


def test_confusions_of_an_arm_are_added() -> None:
    for seed in (1, 2):
        folders.run(Path("runs"), "full", seed, 0.6 + 0.1 * seed)
    result = figure(ConfusionFigure)
    assert isinstance(result, ConfusionFigure)
    assert result.classes == ("negative", "neutral", "positive")
    one, other = folders.confusion_of(0.7), folders.confusion_of(0.8)
    assert np.array_equal(result.counts, np.add(one, other))
    assert result.shares[0] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("stored", ["confusion", "confusion_cells"])
def test_of_many_classes_the_most_confused_are_drawn_with_shares_of_all_their_texts(stored: str) -> None:
    draws = np.random.default_rng(3)
    count = MAX_CLASSES + 40
    matrix = np.diag(draws.integers(5, 9, count))
    confused = sorted(draws.choice(count, MOST_CONFUSED, replace=False).tolist())
    for one, other in zip(confused, confused[1:] + confused[:1], strict=True):
        matrix[one, other] += draws.integers(2, 5)
    little, more = [c for c in range(count) if c not in confused][:2]
    matrix[little, more] = matrix[confused[0], little] = 1
    folder, classes = folders.run(Path("runs"), "full"), [f"class {c}" for c in range(count)]
    true, predicted = np.nonzero(matrix)
    cells = {"true": true.tolist(), "predicted": predicted.tolist(), "texts": matrix[true, predicted].tolist()}
    values = {"confusion": matrix.tolist()} if stored == "confusion" else {"confusion": None, stored: cells}
    folders.edit(folder / "result.json", {"classes": classes, **values})
    folders.edit(folder / "environment.json", {"data": {"classes": classes}})
    result = figure(ConfusionFigure)
    assert isinstance(result, ConfusionFigure)
    assert result.classes == tuple(classes[c] for c in confused)
    assert np.array_equal(result.counts, matrix[np.ix_(confused, confused)])
    assert result.shares == pytest.approx(matrix[np.ix_(confused, confused)] / matrix[confused].sum(axis=1)[:, None])
    assert sum(result.shares[0]) < 1, "one text of the first class is predicted as a class that is not drawn"
    assert f"{np.trace(matrix):,} of {matrix.sum():,} texts" in result.caption
    assert f"Only the {MOST_CONFUSED} of {count} classes with the most errors are shown." in result.caption


def test_bins_are_those_of_scikit_learn_and_the_error_is_that_of_the_paper() -> None:
    draws = np.random.default_rng(0)
    confidence = draws.uniform(0.3, 1, 500)
    right = draws.uniform(size=500) < confidence**2
    made = make_calibration_curve("full", confidence, right)
    accuracy, mean = calibration_curve(right, confidence, n_bins=15)
    assert [one.accuracy for one in made.bins] == pytest.approx(accuracy)
    assert [one.confidence for one in made.bins] == pytest.approx(mean)
    error = sum(one.texts / 500 * abs(one.accuracy - one.confidence) for one in made.bins)
    assert made.ece == pytest.approx(error)
    assert sum(one.texts for one in made.bins) == 500


def test_reliability_is_that_of_the_test_set_alone() -> None:
    folder = folders.run(Path("runs"), "full")
    columns = {"set": ["test"] * 2 + ["test_nyt"], "id": [0, 1, 0], "label": [0, 1, 0]}
    parquet.write_table(
        pa.table({**columns, "p_0": [0.9, 0.7, 0.2], "p_1": [0.1, 0.3, 0.8]}), folder / "predictions.parquet"
    )
    result = figure(ReliabilityFigure)
    assert isinstance(result, ReliabilityFigure)
    (one,) = result.arms
    assert [(each.confidence, each.accuracy, each.texts) for each in one.bins] == [
        (pytest.approx(0.7), 0.0, 1),
        (pytest.approx(0.9), 1.0, 1),
    ]
    assert one.ece == pytest.approx((0.7 + 0.1) / 2)


def test_interpolated_weights_are_drawn_along_alpha() -> None:
    for seed in (1, 2):
        folder = folders.run(Path("runs"), "full", seed)
        rows = [{"alpha": alpha, "test/f1_macro": 0.5 + 0.1 * seed * alpha} for alpha in (0.0, 0.5, 1.0)]
        folders.edit(folder / "result.json", {"wise_ft": rows, "alpha": 0.5})
    result = figure(CurvesFigure, "wise_ft")
    assert isinstance(result, CurvesFigure)
    assert list(result.marked) == [0.5]
    assert [one.mean for one in result.curves[0].y] == pytest.approx([0.5, 0.575, 0.65])


def test_the_reason_for_each_missing_figure_is_printed(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    output = frostline("figures", "runs", "--into", "here", "--format", "png,svg,pdf")
    assert output.status == 0, output.err
    files = [line for line in output.out.splitlines() if "not drawn" not in line]
    assert sorted(files) == sorted(map(str, Path("here").iterdir()))
    assert {Path(file).suffix for file in files} == {".png", ".svg", ".pdf"}
    for kind in ("training-set size", "in-domain against shifted", "plan: ", "curves", "reliability", "WiSE-FT"):
        assert [line for line in output.out.splitlines() if kind in line and "not drawn, " in line], kind


def test_a_figure_is_the_same_file_every_day(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "a$b_{"], [1, 2])
    for folder in ("one", "other"):
        assert frostline("figures", "runs", "--into", folder).status == 0
    for file in Path("one").iterdir():
        assert file.read_bytes() == (Path("other") / file.name).read_bytes()


def test_too_many_arms_are_not_drawn() -> None:
    for seed in range(41):
        folders.run(Path("runs"), "full", seed)
    assert missing(build(rows=("seed",))).splitlines() == [
        "test/f1_macro, row by row: not drawn, 41 rows and 1 columns are too many; select fewer",
        "figures: not drawn, 41 arms are too many to distinguish; select fewer rows",
    ]


def test_all_mistakes_are_reported_at_once(frostline: Command) -> None:
    file = folders.run(Path("runs"), "full") / "result.json"
    output = frostline("figures", "runs", "--format", "swg", "--rows", "freezin", "--into", str(file), "--col")
    assert (output.status, output.out) == (2, "")
    assert output.problems() == [
        "--col: no such option of figures; did you mean --cols?",
        "--format: no format is called swg; did you mean svg?",
        f"--into: {file} is a file; give a folder",
        "--rows freezin: no run has this key; did you mean freezing?",
    ]


def test_without_matplotlib_the_remedy_is_printed(frostline: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.run(Path("runs"), "full")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for words in (["figures", "runs"], ["report", "runs", "--format", "html"]):
        output = frostline(*words)
        assert (output.status, output.problems()) == (
            2,
            ["matplotlib: is not installed, but figures need it; pip install 'frostline[report]'"],
        )
