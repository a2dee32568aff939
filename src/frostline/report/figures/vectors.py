"""The embeddings of the same test texts before and after training, projected, and how well classes are separated."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.report.build import Report
from frostline.report.figures.figure import ArmRuns, Figure, MissingFigure, arms_of, file_name
from frostline.report.read import artifacts
from frostline.report.read.artifacts import RunVectors
from frostline.report.read.runs import RunRecord
from frostline.report.statistics.separation import PrincipalComponents, nearest_mean_accuracy, principal_components

KIND, MAX_FIGURES = "embeddings before and after training", 6
MAX_TEXTS, MAX_CLASSES = 500, 12  # more texts would hide each other, and more classes would need too many colours
REST = "other classes"
PANELS = ("PCA, before", "PCA, after", "t-SNE, before", "t-SNE, after")


@dataclass(frozen=True)
class Panel:
    """points (N, 2) of the texts that are drawn."""

    title: str
    points: Any


@dataclass(frozen=True)
class VectorsFigure(Figure):
    """panels: before and after by PCA, then by t-SNE. class_of (N,): index of each drawn text's class in `classes`."""

    panels: Sequence[Panel]
    classes: Sequence[str]
    class_of: Any


def vectors_figures(report: Report) -> Iterator[VectorsFigure | MissingFigure]:
    """Yield one figure for each arm, of its first run with a vectors.parquet."""
    available: list[tuple[ArmRuns, RunRecord, RunVectors]] = []
    missing: list[ArmRuns] = []
    for arm in arms_of(report):
        pairs = ((run, vectors) for run in arm.runs if (vectors := artifacts.read_vectors(run)) is not None)
        if (first := next(pairs, None)) is not None:
            available.append((arm, *first))
        elif any(artifacts.folder_of(run).vectors.exists() for run in arm.runs):
            why = "its texts are multilabel, or its vectors.parquet cannot be read"
            yield MissingFigure(f"{KIND}: {arm.label}", why)
        else:
            missing.append(arm)
    yield from (_vectors_figure(*arguments) for arguments in available[:MAX_FIGURES])
    if (more := len(available) - MAX_FIGURES) > 0:
        yield MissingFigure(KIND, f"{more} more arms than {MAX_FIGURES}; select fewer rows")
    elif missing:
        labels = f": {'; '.join(arm.label for arm in missing)}" if available else ""
        command = shlex.join(["frostline", "vectors", *(arm.runs[0].folder for arm in missing[:MAX_FIGURES])])
        yield MissingFigure(f"{KIND}{labels}", f"run `{command}` first")


def _vectors_figure(arm: ArmRuns, run: RunRecord, vectors: RunVectors) -> VectorsFigure:
    import numpy as np

    classes, class_of = _coloured_classes(vectors.labels, artifacts.class_names(run))
    indices = np.unique(np.linspace(0, len(class_of) - 1, min(MAX_TEXTS, len(class_of))).astype(int))
    before = principal_components(vectors.before)
    components = before, principal_components(vectors.after, before)
    points = (*(component.points for component in components), *vectors.tsne)
    panels = [Panel(title, projection[indices]) for title, projection in zip(PANELS, points, strict=True)]
    texts = f"{len(indices):,} of {len(class_of):,} test texts of {Path(run.folder).name}, before and after training."
    caption = f"{texts} {_separation(vectors, components)}"
    name = file_name("vectors", arm.label)
    return VectorsFigure(name, f"{KIND}: {arm.label}", caption, panels, classes, class_of[indices])


def _separation(vectors: RunVectors, components: Sequence[PrincipalComponents]) -> str:
    """Describe the separation in all dimensions, because a projection moves classes together or apart."""
    import numpy as np

    before, after = (nearest_mean_accuracy(states, vectors.labels) for states in (vectors.before, vectors.after))
    largest = np.unique(vectors.labels, return_counts=True)[1].max() / len(vectors.labels)
    equal = np.array_equal(vectors.before, vectors.after)
    frozen = " The encoder was frozen: both are the same." if equal else ""
    return (
        f"In all {vectors.before.shape[1]} dimensions, the leave-one-out accuracy of the nearest class mean is "
        f"{before:.3f} before and {after:.3f} after; {largest:.3f} of the texts are of the largest class.{frozen} "
        f"Each panel has separate axes; the two principal components explain {components[0].share:.0%} of the variance "
        f"before and {components[1].share:.0%} after."
    )


def _coloured_classes(labels: Any, names: Sequence[str]) -> tuple[list[str], Any]:
    """Return the classes with a colour, the most frequent ones if there are many; and each text's class index."""
    import numpy as np

    kinds, counts = np.unique(labels, return_counts=True)
    many = len(kinds) > MAX_CLASSES
    coloured = np.sort(kinds[np.argsort(-counts, kind="stable")[: MAX_CLASSES - 1]]) if many else kinds
    class_of = np.where(np.isin(labels, coloured), np.searchsorted(coloured, labels), len(coloured))
    titles = [names[kind] if kind < len(names) else str(kind) for kind in coloured.tolist()]
    return titles + ([REST] if many else []), class_of
