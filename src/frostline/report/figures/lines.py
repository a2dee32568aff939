"""Curves of means and intervals: over epochs, training-set sizes, and WiSE-FT's interpolation coefficient."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from frostline.report.build import Report
from frostline.report.figures.figure import ArmRuns, Curve, Figure, MissingFigure, arms_of, file_name
from frostline.report.figures.looks import Look
from frostline.report.read import artifacts
from frostline.report.read.runs import RunRecord
from frostline.report.statistics.intervals import FEWEST_SEEDS, summarize
from frostline.results.metric_names import metric_range

SIZES = {"dataset.max_train": "training texts", "dataset.shots": "training texts per class"}
EPOCH, EPOCHS = "epoch", "curves over epochs"
TRAINING_CURVES = ("val/loss", "train/loss", "train/lr")  # drawn in every report
BANDS = f"Bands are 95% intervals over seeds (Student's t), drawn from {FEWEST_SEEDS} seeds on."


@dataclass(frozen=True)
class CurvesFigure(Figure):
    """x, y: the labels of the axes. marked: the alphas that WiSE-FT selected. wide: x may be logarithmic."""

    x: str
    y: str
    curves: Sequence[Curve]
    marked: Sequence[float] = ()
    wide: bool = False


def epoch_curves(report: Report) -> Iterator[CurvesFigure | MissingFigure]:
    """Yield metrics over epochs, as far as all runs of an arm go: a later mean would be that of other runs."""
    for name in dict.fromkeys([*map(validation_metric, report.query.metrics), *TRAINING_CURVES]):
        curves = []
        for arm in arms_of(report):
            runs = [run for run in arm.runs if run.folder not in report.collapsed]
            values = {run.folder: artifacts.metric_by_epoch(run, name) for run in runs}
            points = {folder: by_epoch for folder, by_epoch in values.items() if by_epoch}
            curves += _curve(arm.label, name, arm.runs, points, arm.look, shared=True)
        if not any(len(curve.x) > 1 for curve in curves):
            yield MissingFigure(f"{EPOCHS}, {name}", "no metrics.csv has it for two epochs")
            continue
        caption = f"{name} after each epoch: {_describe_ends(curves)}. {BANDS}"
        yield CurvesFigure(file_name("epochs", name), f"{name} over epochs", caption, EPOCH, name, curves)


def size_curves(report: Report) -> Iterator[CurvesFigure | MissingFigure]:
    """Yield each metric against each training-set size in which runs differ."""
    keys = [key for key in SIZES if len({run.value(key) for run in report.runs}) > 1]
    if not keys:
        yield MissingFigure("score against training-set size", f"no run differs in {' or '.join(SIZES)}")
    for key in keys:
        for metric in report.query.metrics:
            yield _size_figure(report, key, metric)


def _size_figure(report: Report, key: str, metric: str) -> CurvesFigure | MissingFigure:
    curves = []
    for arm in arms_of(report, key):
        runs = [run for run in arm.runs if run.folder not in report.collapsed and metric in run.metrics]
        sizes = {run.folder: _training_size(run, key) for run in runs}
        points = {run.folder: {size: run.metrics[metric]} for run in runs if (size := sizes[run.folder]) is not None}
        curves += _curve(arm.label, metric, runs, points, arm.look)
    title = f"{metric} against {SIZES[key]}"
    if not any(len(curve.x) > 1 for curve in curves):
        return MissingFigure(title, "no arm has two sizes")
    name = file_name("size", metric, key.split(".")[1])
    caption = f"{metric} by {SIZES[key]}: {_describe_ends(curves)}. {BANDS}"
    return CurvesFigure(name, title, caption, SIZES[key], metric, curves, wide=True)


def interpolation_curves(report: Report) -> Iterator[CurvesFigure | MissingFigure]:
    """Yield WiSE-FT: weights interpolated between those before (0) and after training (1), arXiv:2109.01903."""
    all_rows = {run.folder: artifacts.interpolation_scores(run) for run in report.runs}
    rows_of = {folder: rows for folder, rows in all_rows.items() if rows}
    if not rows_of:
        yield MissingFigure("WiSE-FT curve", "no run has averaging=wise_ft")
        return
    selected = [artifacts.read_result(run).get("alpha") for run in report.runs if run.folder in rows_of]
    marked = sorted({float(alpha) for alpha in selected if isinstance(alpha, int | float)})
    for metric in report.query.metrics:
        curves = [curve for arm in arms_of(report) for curve in _interpolation_of(arm, metric, rows_of)]
        if not curves:
            yield MissingFigure(f"WiSE-FT curve, {metric}", "no interpolated weights have this metric")
            continue
        caption = f"{metric} of weights interpolated between those before (0) and after training (1)"
        caption = f"{caption}: {_describe_ends(curves)}."
        name, title = file_name("wise_ft", metric), f"WiSE-FT: {metric}"
        yield CurvesFigure(name, title, caption, "alpha", metric.split("/")[-1], curves, marked)


Rows = Sequence[Mapping[str, float]]


def _interpolation_of(arm: ArmRuns, metric: str, rows_of: Mapping[str, Rows]) -> Iterator[Curve]:
    """Yield a curve for each test set."""
    runs = [run for run in arm.runs if run.folder in rows_of]
    for at, name in enumerate(_same_metric(metric, [rows_of[run.folder] for run in runs])):
        points = {run.folder: {row["alpha"]: row[name] for row in rows_of[run.folder] if name in row} for run in runs}
        yield from _curve(f"{arm.label}: {name}", name, arm.runs, points, replace(arm.look, line=at), shared=True)


def validation_metric(metric: str) -> str:
    """Return `val/f1_macro` for `test/f1_macro`: the metric that is measured during training."""
    part, slash, name = metric.partition("/")
    return f"val/{name}" if slash and part.startswith("test") else metric


def _same_metric(metric: str, rows_of_runs: Sequence[Rows]) -> list[str]:
    """Return the names of the same metric on all test sets."""
    score = metric.partition("/")[2]
    names = dict.fromkeys(name for rows in rows_of_runs for row in rows for name in row)
    return [name for name in names if name == metric or (name.startswith("test") and name.partition("/")[2] == score)]


def _training_size(run: RunRecord, key: str) -> float | None:
    value = run.value(key)
    if value is None and key == "dataset.max_train":  # the whole training set
        value = artifacts.training_set_size(run)
    return float(value) if isinstance(value, int | float) else None


def _curve(
    label: str,
    metric: str,
    runs: Sequence[RunRecord],
    points: Mapping[str, Mapping[float, float]],
    look: Look,
    shared: bool = False,
) -> list[Curve]:
    """Return a curve of the points (folder -> x -> y), or none without points. shared: only x that all runs have."""
    of_seeds = [(run.seed, points[run.folder]) for run in runs if points.get(run.folder)]
    positions = sorted({x for _, values in of_seeds for x in values})
    if shared:
        positions = [x for x in positions if all(x in values for _, values in of_seeds)]
    summaries = []
    for x in positions:
        seeds: dict[object, list[float]] = {}
        for seed, values in of_seeds:
            if math.isfinite(values.get(x, math.nan)):
                seeds.setdefault(seed, []).append(values[x])
        means = [math.fsum(repeats) / len(repeats) for repeats in seeds.values()]
        summaries.append((x, summarize(means, metric_range(metric))))
    summaries = [(x, summary) for x, summary in summaries if summary.n]
    return [Curve(label, [x for x, _ in summaries], [summary for _, summary in summaries], look)] if summaries else []


def _describe_ends(curves: Sequence[Curve]) -> str:
    words = []
    for curve in curves:
        first, last = curve.y[0].mean, curve.y[-1].mean
        several = f"{curve.label} from {first:.3f} to {last:.3f}"
        words.append(several if len(curve.x) > 1 else f"{curve.label} {first:.3f}")
    return "; ".join(words)
