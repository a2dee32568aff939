"""Compare rows with the baseline text by text, from predictions.parquet of each run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from frostline.report.grid import Grid, Key
from frostline.report.read.artifacts import folder_of
from frostline.report.read.find import PREDICTIONS
from frostline.report.read.runs import RunRecord, is_covered
from frostline.report.statistics.intervals import holm
from frostline.report.statistics.mcnemar import interval_over_texts, mcnemar
from frostline.report.table import TextDifference, baseline_row
from frostline.report.warnings.warning import ReportWarning, format_count

Split = tuple[Any, Any]  # seed, and fold or other split
RunPair = tuple[Split, RunRecord, RunRecord]  # the run of a row and of the baseline


def compare_texts(grid: Grid, baseline: Mapping[str, str]) -> tuple[list[TextDifference], list[ReportWarning]]:
    """Compare each row with its baseline, column by column; warn of runs that cannot be compared."""
    differences: list[TextDifference] = []
    comparison = _Comparison()
    for row in grid.rows:
        base = baseline_row(grid, row, baseline)
        if base is None or base == row:
            continue
        for col in grid.cols:
            pairs = list(_pair_runs(grid.cell(row, col), grid.cell(base, col), grid.row_keys))
            if comparable := comparison.comparable(pairs):
                differences.append(comparison.difference(row, col, comparable))
    return _correct_p(differences), list(comparison.warnings())


@dataclass
class _Comparison:
    """Correct predictions by run folder; the runs without predictions, and the pairs tested on different texts."""

    correct: dict[str, Any] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)
    unequal: list[str] = field(default_factory=list)

    def comparable(self, pairs: Sequence[RunPair]) -> list[RunPair]:
        """Return the pairs of runs that were tested on the same texts."""
        equal: list[RunPair] = []
        for split, run, base in pairs:
            if not all([self._load(run), self._load(base)]):
                continue
            if self._same_texts(run, base):
                equal.append((split, run, base))
            else:
                self.unequal.append(f"{run.folder} and {base.folder}")
        return equal

    def difference(self, row: Key, col: Key, pairs: Sequence[RunPair]) -> TextDifference:
        import numpy as np

        by_split: dict[Any, list[Any]] = {}
        p_values: dict[str, float] = {}
        for split, run, base in pairs:
            correct, baseline_correct = self.correct[run.folder][1], self.correct[base.folder][1]
            by_split.setdefault(split[1], []).append(correct.astype(float) - baseline_correct)
            p_values[_split_name(split)] = mcnemar(correct, baseline_correct)
        texts = np.concatenate([np.mean(differences, axis=0) for differences in by_split.values()])
        low, high = interval_over_texts(texts)
        return TextDifference(row, col, len(texts), float(texts.mean()), low, high, p_values)

    def warnings(self) -> Iterator[ReportWarning]:
        if self.missing:
            what = f"{format_count(len(self.missing))} without a {PREDICTIONS}, left out of the comparison of texts"
            yield ReportWarning(what, list(self.missing))
        if self.unequal:
            what = f"{format_count(len(self.unequal), 'pair')} of runs that were not tested on the same texts"
            yield ReportWarning(what, self.unequal)

    def _load(self, run: RunRecord) -> bool:
        """Read the predictions of a run once; return whether it has any."""
        if run.folder not in self.correct and run.folder not in self.missing:
            if (correct := _correct_predictions(run)) is None:
                self.missing[run.folder] = None
            else:
                self.correct[run.folder] = correct
        return run.folder in self.correct

    def _same_texts(self, first: RunRecord, second: RunRecord) -> bool:
        import numpy as np

        return bool(np.array_equal(self.correct[first.folder][0], self.correct[second.folder][0]))


def _pair_runs(
    runs: Iterable[RunRecord], baseline_runs: Iterable[RunRecord], row_keys: Sequence[str]
) -> Iterator[RunPair]:
    """Yield the runs of the same seed and split."""
    by_split = {_split_of(run, row_keys): run for run in baseline_runs}
    for run in runs:
        if (split := _split_of(run, row_keys)) in by_split:
            yield split, run, by_split[split]


def _split_of(run: RunRecord, row_keys: Sequence[str]) -> Split:
    return run.seed, (run.repeat, tuple(item for item in run.texts if not is_covered(item[0], row_keys)))


def _correct_predictions(run: RunRecord) -> Any:
    """Return ids and labels (N, 2) of the in-domain test set, and whether each text was predicted correctly (N,), in
    the order of the ids; None without predictions of one label a text."""
    import numpy as np
    from pyarrow import ArrowException, parquet, types

    try:
        table = parquet.read_table(folder_of(run).predictions, filters=[("set", "==", "test")])
        if not types.is_integer(table["label"].type):  # multilabel texts have lists
            return None
        classes = sorted(
            (n for n in table.column_names if n[:2] == "p_" and n[2:].isdecimal()), key=lambda n: int(n[2:])
        )
        probabilities = np.stack([table[name].to_numpy() for name in classes], axis=1)
        ids, labels = table["id"].to_numpy(), table["label"].to_numpy()
        order = np.argsort(ids, kind="stable")
        return np.stack([ids, labels], axis=1)[order], (probabilities.argmax(axis=1) == labels)[order]
    except (OSError, ArrowException, KeyError, ValueError):
        return None


def _split_name(split: Split) -> str:
    seed, (repeat, _) = split
    return ", ".join([f"seed {seed}", *(f"{key}={value}" for key, value in repeat if value)])


def _correct_p(differences: Sequence[TextDifference]) -> list[TextDifference]:
    p_values = iter(holm([p for difference in differences for p in difference.mcnemar.values()]))
    return [
        replace(difference, mcnemar={name: next(p_values) for name in difference.mcnemar}) for difference in differences
    ]
