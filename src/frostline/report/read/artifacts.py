"""What a run's folder holds beside its result: read only where a figure or a page needs it.

Each answers with nothing where the file is absent or cannot be read; whoever asks says so.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.report.per_text import FILE
from frostline.report.read.runs import RunRecord
from frostline.results.folder import RunFolder


def read_plan(run: RunRecord) -> str:
    """plan.txt, as it is printed."""
    return _text(run, "plan.txt").rstrip("\n")


def read_result(run: RunRecord) -> Mapping[str, Any]:
    return _json(run, "result.json")


def read_environment(run: RunRecord) -> Mapping[str, Any]:
    return _json(run, "environment.json")


def class_names(run: RunRecord) -> list[str]:
    """The names of the classes, in the order of labels."""
    found = (read_environment(run).get("data") or {}).get("classes")
    return list(map(str, found)) if isinstance(found, list) else []


def training_set_size(run: RunRecord) -> int | None:
    """How many texts it was trained on."""
    found = ((read_environment(run).get("data") or {}).get("texts") or {}).get("train")
    return found if isinstance(found, int) else None


def read_overrides(run: RunRecord) -> list[str] | None:
    """Words of its command, after `frostline`; None where they were not recorded."""
    found = read_result(run).get("overrides", _json(run, ".job.json").get("overrides"))
    return list(map(str, found)) if isinstance(found, list) else None


def metric_by_epoch(run: RunRecord, name: str) -> dict[float, float]:
    """Epoch, from 1 on -> a metric's value then, of metrics.csv; its last where it was measured within the epoch."""
    found: dict[float, float] = {}
    for row in csv.reader(_text(run, "metrics.csv").splitlines()):
        if len(row) == 4 and row[2] == name:
            try:
                found[int(row[1]) + 1] = float(row[3])
            except ValueError:  # a line cut short
                continue
    return found


def read_predictions(run: RunRecord, test_set: str = "test") -> tuple[Any, Any] | None:
    """labels (N,) and chances (N, C) of a test set; None where texts have several labels."""
    import numpy as np
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(Path(run.folder, FILE))
        names = [n for n in table.column_names if n[:2] == "p_" and n[2:].isdecimal()]
        names.sort(key=lambda name: int(name[2:]))
        own = np.array(table["set"].to_pylist()) == test_set
        labels = table["label"].to_numpy()[own]
        chances = np.stack([table[name].to_numpy() for name in names], axis=1)[own]
    except (OSError, ArrowException, KeyError, ValueError):
        return None
    return (labels, chances) if len(labels) and np.issubdtype(labels.dtype, np.integer) else None


@dataclass(frozen=True)
class TestVectors:
    """Of N test texts: labels (N,), vectors (N, D) before and after, t-SNE's places (N, 2) of both."""

    labels: Any
    before: Any
    after: Any
    tsne: tuple[Any, Any]


def read_vectors(run: RunRecord) -> TestVectors | None:
    """What `frostline vectors` has left; None where texts have several labels."""
    import numpy as np
    from pyarrow import ArrowException, parquet

    try:
        table = parquet.read_table(RunFolder(Path(run.folder)).vectors)
        labels = table["label"].to_numpy()
        columns = [table[name].combine_chunks() for name in ("before", "after", "tsne_before", "tsne_after")]
        before, after, *tsne = (own.flatten().to_numpy().reshape(len(labels), -1) for own in columns)
    except (OSError, ArrowException, AttributeError, KeyError, ValueError):
        return None
    return TestVectors(labels, before, after, (tsne[0], tsne[1])) if np.issubdtype(labels.dtype, np.integer) else None


def _json(run: RunRecord, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(Path(run.folder, name).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(run: RunRecord, name: str) -> str:
    try:
        return Path(run.folder, name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def interpolation_scores(run: RunRecord) -> Sequence[Mapping[str, float]]:
    """Rows of WiSE-FT: alpha, and each metric of the mixture."""
    found = read_result(run).get("wise_ft")
    return found if isinstance(found, list) else ()
