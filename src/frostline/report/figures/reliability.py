"""Reliability diagrams: accuracy by confidence, in 15 bins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from frostline.report.build import Report
from frostline.report.figures.figure import Figure, MissingFigure, arms_of, file_name
from frostline.report.figures.looks import DEFAULT_LOOK, Look
from frostline.report.read.artifacts import read_predictions
from frostline.report.read.find import PREDICTIONS

BINS = 15
KIND = "reliability diagram"


@dataclass(frozen=True)
class ConfidenceBin:
    """The texts whose confidence is in the bin: their mean confidence, their accuracy, and their number."""

    confidence: float
    accuracy: float
    texts: int


@dataclass(frozen=True)
class CalibrationCurve:
    """The bins of an arm, over the texts of all its runs. ece: expected calibration error, in [0, 1]."""

    label: str
    bins: Sequence[ConfidenceBin]
    ece: float
    look: Look = DEFAULT_LOOK


@dataclass(frozen=True)
class ReliabilityFigure(Figure):
    arms: Sequence[CalibrationCurve]


def reliability_figure(report: Report) -> Iterator[ReliabilityFigure | MissingFigure]:
    """Yield one figure with a curve for each arm."""
    import numpy as np

    curves = []
    for arm in arms_of(report):
        predictions = [read_predictions(run) for run in arm.runs]
        confidences = [
            (probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
            for labels, probabilities in filter(None, predictions)
        ]
        if confidences:
            curve = make_calibration_curve(arm.label, *map(np.concatenate, zip(*confidences, strict=True)))
            curves.append(replace(curve, look=arm.look))
    if not curves:
        yield MissingFigure(KIND, f"no run has a {PREDICTIONS} of texts with one label")
        return
    errors = "; ".join(f"{curve.label} {curve.ece:.3f}" for curve in curves)
    caption = f"Expected calibration error, {BINS} bins, texts of all runs of an arm together: {errors}."
    yield ReliabilityFigure(file_name("reliability"), KIND, caption, curves)


def make_calibration_curve(label: str, confidence: Any, correct: Any) -> CalibrationCurve:
    """Return non-empty bins of equal width and the calibration error of arXiv:1706.04599; confidence, correct (N,)."""
    import numpy as np

    bin_of = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)  # (low, high], as in the paper
    bins = [
        ConfidenceBin(float(confidence[texts].mean()), float(correct[texts].mean()), int(texts.sum()))
        for texts in (bin_of == at for at in range(BINS))
        if texts.any()
    ]
    gaps = sum(abs(one.accuracy - one.confidence) * one.texts for one in bins)
    return CalibrationCurve(label, bins, gaps / len(confidence))
