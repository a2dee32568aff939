"""Read the predicted classes of runs from predictions.parquet, each test set of a run once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from frostline.report.read.artifacts import folder_of
from frostline.report.read.runs import RunRecord


@dataclass(frozen=True)
class PredictedClasses:
    """A test set in the order of its ids: ids, labels and predicted classes (N,), and the number of classes."""

    ids: Any
    labels: Any
    predicted: Any
    classes: int

    def has_same_texts(self, other: PredictedClasses) -> bool:
        import numpy as np

        return np.array_equal(self.ids, other.ids) and np.array_equal(self.labels, other.labels)


@dataclass
class PredictionReader:
    """Reads the predictions of runs when they are needed."""

    _read: dict[tuple[str, str], PredictedClasses | None] = field(default_factory=dict)

    def read(self, run: RunRecord, test_set: str = "test") -> PredictedClasses | None:
        """Return the predictions for a test set; None without predictions of one class for each text."""
        key = run.folder, test_set
        if key not in self._read:
            self._read[key] = _read_classes(run, test_set)
        return self._read[key]


def _read_classes(run: RunRecord, test_set: str) -> PredictedClasses | None:
    import numpy as np
    from pyarrow import ArrowException, parquet, types

    try:
        table = parquet.read_table(folder_of(run).predictions_of(test_set), filters=[("set", "==", test_set)])
        if not types.is_integer(table["label"].type) or not len(table):  # multilabel texts have lists
            return None
        names = [name for name in table.column_names if name[:2] == "p_" and name[2:].isdecimal()]
        names.sort(key=lambda name: int(name[2:]))
        probabilities = np.stack([table[name].to_numpy() for name in names], axis=1)
        ids, labels = table["id"].to_numpy(), table["label"].to_numpy()
    except (OSError, ArrowException, KeyError, ValueError):
        return None
    order = np.argsort(ids, kind="stable")
    return PredictedClasses(ids[order], labels[order], probabilities.argmax(axis=1)[order], len(names))
