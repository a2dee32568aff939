"""Several data sets as the tasks of one run: their texts in common splits, and the texts of each epoch.

A class of a task is named `<task>/<class>`. The classes of all tasks are numbered one after the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from frostline.data.batches import Indices
from frostline.data.corpus import Corpus, Origin, Split, Text
from frostline.errors import user_error
from frostline.types import Config


def task_spans(dataset: Config | None, classes: Sequence[str]) -> dict[str, range]:
    """Return task -> the indices of its classes; empty for a data set that is not several tasks."""
    names: Sequence[str] = (dataset or {}).get("tasks") or ()
    spans: dict[str, range] = {}
    start = 0
    for name in names:
        end = start
        while end < len(classes) and classes[end].startswith(f"{name}/"):
            end += 1
        spans[name], start = range(start, end), end
    return spans


def combine_tasks(corpora: Mapping[str, Corpus]) -> Corpus:
    """Return one corpus of the texts of all tasks, with their classes one after the other.

    Raises:
        UserError: a task has texts of several classes each.
    """
    if several := [name for name, corpus in corpora.items() if corpus.multi_label]:
        what = f"'{several[0]}' has texts of several classes each, and the classes of a task exclude each other"
        raise user_error("dataset.tasks", what, "leave it out")
    fingerprints = {name: corpus.fingerprint for name, corpus in corpora.items()}
    notes = [(name, note) for name, corpus in corpora.items() for note in corpus.notes]
    return Corpus(
        train=_combine_splits("train", corpora),
        val=_combine_splits("val", corpora),
        test=_combine_splits("test", corpora),
        classes=[f"{name}/{label}" for name, corpus in corpora.items() for label in corpus.classes],
        fingerprint=hashlib.sha256(json.dumps(fingerprints).encode()).hexdigest(),
        dropped={f"{name}: {why}": n for name, corpus in corpora.items() for why, n in corpus.dropped.items()},
        noised=sum(corpus.noised for corpus in corpora.values()),
        notes=tuple(replace(note, message=f"{name}: {note.message}") for name, note in notes),
    )


def _combine_splits(part: str, corpora: Mapping[str, Corpus]) -> Split:
    """Return the texts of one split of all tasks; the part in the origin of a text begins with the name of its task."""
    texts: list[Text] = []
    labels: list[int] = []
    origins: list[Origin] = []
    first = 0
    for name, corpus in corpora.items():
        split: Split = getattr(corpus, part)
        texts += split.texts
        labels += [first + label for label in split.labels if isinstance(label, int)]
        origins += [Origin(f"{name}/{origin.part}", origin.row) for origin in split.origins or ()]
        first += len(corpus.classes)
    return Split(texts, labels, origins)


def task_rows(tasks: Sequence[int], power: float, seed: int, epoch: int) -> Indices:
    """Return the rows of one epoch (N,), given the task of each of the N texts.

    The share of a task with n texts is proportional to n ** power; the rows of a task are drawn without replacement,
    from the beginning again each time that all have been drawn.
    """
    task_of_row = np.asarray(tasks)
    rng = np.random.default_rng([seed, epoch])
    sizes = np.bincount(task_of_row)
    counts = _rounded(len(tasks) * sizes**power / (sizes**power).sum(), len(tasks))
    rows = [_draw(np.flatnonzero(task_of_row == task), count, rng) for task, count in enumerate(counts)]
    return np.concatenate(rows)


def _rounded(shares: NDArray[np.float64], total: int) -> list[int]:
    """Round shares down, and add one to those with the largest remainders so that the sum is `total`."""
    counts = np.floor(shares).astype(np.int64)
    order = np.argsort(-(shares - counts), kind="stable")
    counts[order[: total - int(counts.sum())]] += 1
    return [int(count) for count in counts]


def _draw(rows: Indices, count: int, rng: np.random.Generator) -> Indices:
    rounds = -(-count // len(rows)) if len(rows) else 0
    drawn = [rng.permutation(rows) for _ in range(rounds)]
    return np.concatenate([*drawn, rows[:0]])[:count]
