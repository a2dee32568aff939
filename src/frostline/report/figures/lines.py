"""Means and intervals along an axis: over epochs, training-set sizes, and WiSE-FT's mixtures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.figures.figure import Curve, Figure, MissingFigure, arms_of, file_name
from frostline.report.read import artifacts as records
from frostline.report.read.runs import RunRecord
from frostline.report.statistics.intervals import summarize

SIZES = {"dataset.max_train": "training texts", "dataset.shots": "texts a class"}
EPOCHS = "curves over epochs"


@dataclass(frozen=True)
class CurvesFigure(Figure):
    """x, y: what stands along the axes. marked: of WiSE-FT, the alphas that were chosen. wide: x goes by ratios."""

    x: str
    y: str
    lines: Sequence[Curve]
    marked: Sequence[float] = ()
    wide: bool = False


def epoch_curves(study: Report) -> Iterator[CurvesFigure | MissingFigure]:
    """As far as every run of an arm goes: a mean of fewer, later, would be that of other runs."""
    for name in dict.fromkeys([*map(validation_metric, study.asked.metrics), "val/loss"]):
        lines = []
        for arm in arms_of(study):
            courses = {
                run.folder: records.metric_by_epoch(run, name) for run in arm.runs if run.folder not in study.collapsed
            }
            lines += _line(arm.label, arm.runs, {folder: own for folder, own in courses.items() if own}, shared=True)
        if not any(len(line.x) > 1 for line in lines):
            yield MissingFigure(f"{EPOCHS}, {name}", "no metrics.csv has it for two epochs")
            continue
        says = f"{name} after each epoch: {_ends(lines)}. Bands are 95% intervals over seeds."
        yield CurvesFigure(file_name("epochs", name), f"{name} over epochs", says, "epoch", name, lines)


def size_curves(study: Report) -> Iterator[CurvesFigure | MissingFigure]:
    keys = [key for key in SIZES if len({run.value(key) for run in study.runs}) > 1]
    if not keys:
        yield MissingFigure("score against training-set size", f"no run differs in {' or '.join(SIZES)}")
    for key in keys:
        for metric in study.asked.metrics:
            lines = []
            for arm in arms_of(study, key):
                runs = [run for run in arm.runs if run.folder not in study.collapsed and metric in run.metrics]
                sizes = {run.folder: _size(run, key) for run in runs}
                points = {r.folder: {at: r.metrics[metric]} for r in runs if (at := sizes[r.folder]) is not None}
                lines += _line(arm.label, runs, points)
            title = f"{metric} against {SIZES[key]}"
            if not any(len(line.x) > 1 for line in lines):
                yield MissingFigure(title, "no arm has two sizes")
                continue
            name = file_name("size", metric, key.split(".")[1])
            says = f"{metric} by {SIZES[key]}: {_ends(lines)}. Bands are 95% intervals over seeds."
            yield CurvesFigure(name, title, says, SIZES[key], metric, lines, wide=True)


def interpolation_curves(study: Report) -> Iterator[CurvesFigure | MissingFigure]:
    """WiSE-FT: weights between those before training (0) and those after it (1), arXiv:2109.01903."""
    kept = {run.folder: records.interpolation_scores(run) for run in study.runs}
    curves = {folder: curve for folder, curve in kept.items() if curve}
    if not curves:
        yield MissingFigure("WiSE-FT curve", "no run has averaging=wise_ft")
    chosen = [records.read_result(run).get("alpha") for run in study.runs if run.folder in curves]
    for metric in study.asked.metrics if curves else ():
        lines = []
        for arm in arms_of(study):
            for name in _sets(metric, [curves[run.folder] for run in arm.runs if run.folder in curves]):
                points = {
                    run.folder: {row["alpha"]: row[name] for row in curves[run.folder] if name in row}
                    for run in arm.runs
                    if run.folder in curves
                }
                lines += _line(f"{arm.label}: {name}", arm.runs, points, shared=True)
        if not lines:
            yield MissingFigure(f"WiSE-FT curve, {metric}", "no mixture was scored by it")
            continue
        says = f"{metric} of mixtures of the weights before (0) and after training (1): {_ends(lines)}."
        marked = sorted({float(alpha) for alpha in chosen if isinstance(alpha, int | float)})
        name = file_name("wise_ft", metric)
        yield CurvesFigure(name, f"WiSE-FT: {metric}", says, "alpha", metric.split("/")[-1], lines, marked)


def validation_metric(metric: str) -> str:
    """`val/f1_macro` of `test/f1_macro`: what is measured while training."""
    part, slash, name = metric.partition("/")
    return f"val/{name}" if slash and part.startswith("test") else metric


def _sets(metric: str, curves: Sequence[Sequence[Mapping[str, float]]]) -> list[str]:
    """The same score on every set that mixtures were tested on."""
    score = metric.partition("/")[2]
    names = dict.fromkeys(name for curve in curves for row in curve for name in row)
    return [name for name in names if name == metric or (name.startswith("test") and name.partition("/")[2] == score)]


def _size(run: RunRecord, key: str) -> float | None:
    value = run.value(key)
    if value is None and key == "dataset.max_train":  # all there are
        value = records.training_set_size(run)
    return float(value) if isinstance(value, int | float) else None


def _line(
    label: str, runs: Sequence[RunRecord], points: Mapping[str, Mapping[float, float]], shared: bool = False
) -> list[Curve]:
    """points: folder -> x -> y. shared: only where every run has a value. None at all where there is no point."""
    own = [(run.seed, points[run.folder]) for run in runs if points.get(run.folder)]
    places = sorted({x for _, at in own for x in at})
    if shared:
        places = [x for x in places if all(x in at for _, at in own)]
    found = []
    for x in places:
        seeds: dict[object, list[float]] = {}
        for seed, at in own:
            if math.isfinite(at.get(x, math.nan)):
                seeds.setdefault(seed, []).append(at[x])
        found.append((x, summarize([math.fsum(values) / len(values) for values in seeds.values()])))
    found = [(x, one) for x, one in found if one.n]
    return [Curve(label, [x for x, _ in found], [one for _, one in found])] if found else []


def _ends(lines: Sequence[Curve]) -> str:
    told = []
    for line in lines:
        first, last = line.y[0].mean, line.y[-1].mean
        told.append(f"{line.label} from {first:.3f} to {last:.3f}" if len(line.x) > 1 else f"{line.label} {first:.3f}")
    return "; ".join(told)
