"""The same test texts before and after adaptation: their pooled vectors, projected, and how far classes lie apart."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.report.build import Report
from frostline.report.figures.figure import ArmRuns, Figure, MissingFigure, arms_of, file_name
from frostline.report.read import artifacts as records
from frostline.report.read.artifacts import TestVectors
from frostline.report.read.runs import RunRecord
from frostline.report.statistics.separation import PrincipalComponents, nearest_mean_accuracy, principal_components
from frostline.results.folder import RunFolder

KIND, MOST = "vectors before and after", 6
DRAWN, NAMED = 500, 12  # more texts hide each other, and of more classes no colours are told apart
OTHERS = "other classes"
PANELS = ("PCA, before", "PCA, after", "t-SNE, before", "t-SNE, after")


@dataclass(frozen=True)
class Panel:
    """points (N, 2) of the texts that are drawn."""

    title: str
    points: Any


@dataclass(frozen=True)
class VectorsFigure(Figure):
    """panels: before and after by PCA, then by t-SNE. of (N,): each drawn text's place among `classes`."""

    panels: Sequence[Panel]
    classes: Sequence[str]
    of: Any


def vectors_figures(study: Report) -> Iterator[VectorsFigure | MissingFigure]:
    """One run for each arm: its first that has the vectors."""
    found: list[tuple[ArmRuns, RunRecord, TestVectors]] = []
    lacking: list[ArmRuns] = []
    for arm in arms_of(study):
        kept = next(((run, own) for run in arm.runs if (own := records.read_vectors(run)) is not None), None)
        if kept is not None:
            found.append((arm, *kept))
        elif any(RunFolder(Path(run.folder)).vectors.exists() for run in arm.runs):
            yield MissingFigure(f"{KIND}: {arm.label}", "its texts have several labels, or its vectors cannot be read")
        else:
            lacking.append(arm)
    yield from (_moved(*one) for one in found[:MOST])
    if (more := len(found) - MOST) > 0:
        yield MissingFigure(KIND, f"{more} more arms than {MOST}; ask for fewer rows")
    elif lacking:
        labels = f": {'; '.join(arm.label for arm in lacking)}" if found else ""
        command = shlex.join(["frostline", "vectors", *(arm.runs[0].folder for arm in lacking[:MOST])])
        yield MissingFigure(f"{KIND}{labels}", f"`{command}` makes what is drawn")


def _moved(arm: ArmRuns, run: RunRecord, own: TestVectors) -> VectorsFigure:
    import numpy as np

    classes, of = _classes(own.labels, records.class_names(run))
    drawn = np.unique(np.linspace(0, len(of) - 1, min(DRAWN, len(of))).astype(int))
    first = principal_components(own.before)
    axes = first, principal_components(own.after, first)
    points = (*(one.points for one in axes), *own.tsne)
    panels = [Panel(title, at[drawn]) for title, at in zip(PANELS, points, strict=True)]
    name = Path(run.folder).name
    shown = f"{len(drawn):,} of {len(of):,} test texts, by the encoder as {name} began and as it left it."
    says = f"{shown} {_says(own, axes)}"
    return VectorsFigure(file_name("vectors", arm.label), f"{KIND}: {arm.label}", says, panels, classes, of[drawn])


def _says(own: TestVectors, axes: Sequence[PrincipalComponents]) -> str:
    """What the pictures cannot: a projection moves classes together and apart."""
    import numpy as np

    told = [nearest_mean_accuracy(vectors, own.labels) for vectors in (own.before, own.after)]
    largest = np.unique(own.labels, return_counts=True)[1].max() / len(own.labels)
    rested = " The encoder rested: both are the same." if np.array_equal(own.before, own.after) else ""
    return (
        f"Measured in all {own.before.shape[1]} numbers of a vector, the mean of the text's own class, taken without "
        f"it, is the nearest for {told[0]:.3f} of the texts before and {told[1]:.3f} after; {largest:.3f} are of the "
        f"largest class.{rested} Each panel has axes of its own; those of PCA hold {axes[0].share:.0%} of the variance "
        f"before and {axes[1].share:.0%} after."
    )


def _classes(labels: Any, names: Sequence[str]) -> tuple[list[str], Any]:
    """The classes that have a colour, where they are many the most frequent ones; each text's place among them."""
    import numpy as np

    kinds, counts = np.unique(labels, return_counts=True)
    kept = kinds if len(kinds) <= NAMED else np.sort(kinds[np.argsort(-counts, kind="stable")[: NAMED - 1]])
    place = np.where(np.isin(labels, kept), np.searchsorted(kept, labels), len(kept))
    told = [names[kind] if kind < len(names) else str(kind) for kind in kept.tolist()]
    return told + ([OTHERS] if len(kept) < len(kinds) else []), place
