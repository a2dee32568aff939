"""Read the files of a run folder other than its result, when a figure or a page needs them.

Each function returns an empty value if the file is missing or cannot be read; the caller reports that.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.report.read.runs import RunRecord
from frostline.results.folder import RunFolder


def folder_of(run: RunRecord) -> RunFolder:
    return RunFolder(Path(run.folder))


def read_plan(run: RunRecord) -> str:
    """Return plan.txt."""
    return _read_text(folder_of(run).plan).rstrip("\n")


def read_result(run: RunRecord) -> Mapping[str, Any]:
    return _read_json(folder_of(run).result)


def read_environment(run: RunRecord) -> Mapping[str, Any]:
    return _read_json(folder_of(run).environment)


def class_names(run: RunRecord) -> list[str]:
    """Return the names of the classes, in the order of the labels."""
    names = (read_environment(run).get("data") or {}).get("classes")
    return list(map(str, names)) if isinstance(names, list) else []


def training_set_size(run: RunRecord) -> int | None:
    size = ((read_environment(run).get("data") or {}).get("texts") or {}).get("train")
    return size if isinstance(size, int) else None


def read_overrides(run: RunRecord) -> list[str] | None:
    """Return the arguments of the run's command after `frostline`; None if they were not recorded."""
    overrides = read_result(run).get("overrides", _read_json(folder_of(run).job).get("overrides"))
    return list(map(str, overrides)) if isinstance(overrides, list) else None


def metric_by_epoch(run: RunRecord, name: str) -> dict[float, float]:
    """Return epoch (from 1 on) -> the last value of a metric in that epoch, from metrics.csv."""
    values: dict[float, float] = {}
    for row in csv.reader(_read_text(folder_of(run).metrics).splitlines()):
        if len(row) == 4 and row[2] == name:
            try:
                values[int(row[1])] = float(row[3])
            except ValueError:  # a truncated line
                continue
    return values


def read_predictions(run: RunRecord, test_set: str = "test") -> tuple[Any, Any] | None:
    """Return labels (N,) and probabilities (N, C) of a test set; None for multilabel texts."""
    import numpy as np
    from pyarrow import ArrowException, parquet

    try:
        file = folder_of(run).predictions_of(test_set)
        names = [n for n in parquet.read_schema(file).names if n[:2] == "p_" and n[2:].isdecimal()]
        names.sort(key=lambda name: int(name[2:]))
        table = parquet.read_table(file, columns=["set", "label", *names])
        rows = np.array(table["set"].to_pylist()) == test_set
        labels = table["label"].to_numpy()[rows]
        probabilities = np.stack([table[name].to_numpy() for name in names], axis=1)[rows]
    except (OSError, ArrowException, KeyError, ValueError):
        return None
    return (labels, probabilities) if len(labels) and np.issubdtype(labels.dtype, np.integer) else None


@dataclass(frozen=True)
class RunVectors:
    """N test texts: labels (N,), embeddings (N, D) before and after training, and a t-SNE projection (N, 2) of both."""

    labels: Any
    before: Any
    after: Any
    tsne: tuple[Any, Any]


def read_vectors(run: RunRecord) -> RunVectors | None:
    """Return the file that `frostline vectors` wrote; None for multilabel texts."""
    import numpy as np
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(folder_of(run).vectors)
        labels = table["label"].to_numpy()
        columns = [table[name].combine_chunks() for name in ("before", "after", "tsne_before", "tsne_after")]
        before, after, *tsne = (column.flatten().to_numpy().reshape(len(labels), -1) for column in columns)
    except (OSError, ArrowException, AttributeError, KeyError, ValueError):
        return None
    if not np.issubdtype(labels.dtype, np.integer):
        return None
    return RunVectors(labels, before, after, (tsne[0], tsne[1]))


def interpolation_scores(run: RunRecord) -> Sequence[Mapping[str, float]]:
    """Return the rows of WiSE-FT: alpha, and each metric of the interpolated weights."""
    rows = read_result(run).get("wise_ft")
    return rows if isinstance(rows, list) else ()


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
