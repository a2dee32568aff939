"""Whether a model is right as often as it is sure: accuracy by confidence, in 15 bins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.report.build import Report
from frostline.report.figures.figure import Figure, MissingFigure, arms_of, file_name
from frostline.report.per_text import FILE
from frostline.report.read import artifacts as records

BINS = 15
KIND = "reliability diagram"


@dataclass(frozen=True)
class ConfidenceBin:
    """Texts whose highest chance lies in it: their mean, the share that is told right, and how many they are."""

    confidence: float
    accuracy: float
    texts: int


@dataclass(frozen=True)
class CalibrationCurve:
    """An arm, the texts of all its runs together. ece: expected calibration error, a share."""

    label: str
    bins: Sequence[ConfidenceBin]
    ece: float


@dataclass(frozen=True)
class ReliabilityFigure(Figure):
    arms: Sequence[CalibrationCurve]


def reliability_figure(study: Report) -> Iterator[ReliabilityFigure | MissingFigure]:
    import numpy as np

    found = []
    for arm in arms_of(study):
        read = [records.read_predictions(run) for run in arm.runs]
        own = [(chances.max(axis=1), chances.argmax(axis=1) == labels) for labels, chances in filter(None, read)]
        if own:
            found.append(make_calibration_curve(arm.label, *map(np.concatenate, zip(*own, strict=True))))
    if not found:
        yield MissingFigure(KIND, f"no run has a {FILE} of texts with one label")
        return
    told = "; ".join(f"{one.label} {one.ece:.3f}" for one in found)
    says = f"Expected calibration error, {BINS} bins, texts of all runs of an arm together: {told}."
    yield ReliabilityFigure(file_name("reliability"), KIND, says, found)


def make_calibration_curve(label: str, confidence: Any, right: Any) -> CalibrationCurve:
    """confidence, right: (N,) -> bins of equal width, those that hold texts, and the error of arXiv:1706.04599."""
    import numpy as np

    place = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)  # (low, high], as in the paper
    bins = [
        ConfidenceBin(float(confidence[own].mean()), float(right[own].mean()), int(own.sum()))
        for own in (place == at for at in range(BINS))
        if own.any()
    ]
    gaps = sum(abs(one.accuracy - one.confidence) * one.texts for one in bins)
    return CalibrationCurve(label, bins, gaps / len(confidence))
