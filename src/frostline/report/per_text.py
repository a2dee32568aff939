"""Compare rows with the baseline text by text, from predictions.parquet of each run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from frostline.report.cells import split_of
from frostline.report.crossed_tests import RunPair
from frostline.report.grid import Grid, Key
from frostline.report.read.find import PREDICTIONS
from frostline.report.read.predictions import PredictedClasses, PredictionReader
from frostline.report.read.runs import RunRecord
from frostline.report.statistics.by_text import accuracy_by_text
from frostline.report.statistics.crossed import SplitDifferences, crossed_difference
from frostline.report.statistics.intervals import holm
from frostline.report.statistics.mcnemar import mcnemar
from frostline.report.table import TextDifference, baseline_row
from frostline.report.warnings.warning import ReportWarning, format_count


def compare_texts(
    grid: Grid, baseline: Mapping[str, str], predictions: PredictionReader
) -> tuple[list[TextDifference], list[ReportWarning]]:
    """Compare each row with its baseline, column by column; warn of runs that cannot be compared."""
    differences: list[TextDifference] = []
    comparison = _Comparison(predictions)
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
    """missing: the runs without predictions. unequal: the pairs of runs that were tested on different texts."""

    predictions: PredictionReader
    missing: dict[str, None] = field(default_factory=dict)
    unequal: list[str] = field(default_factory=list)

    def comparable(self, pairs: Sequence[RunPair]) -> list[RunPair]:
        """Return the pairs of runs that were tested on the same texts."""
        equal: list[RunPair] = []
        for pair in pairs:
            _, run, base = pair
            first, second = (self._read(side) for side in (run, base))
            if first is None or second is None:
                continue
            if first.has_same_texts(second):
                equal.append(pair)
            else:
                self.unequal.append(f"{run.folder} and {base.folder}")
        return equal

    def difference(self, row: Key, col: Key, pairs: Sequence[RunPair]) -> TextDifference:
        samples: list[SplitDifferences] = []
        p_values: dict[str, float] = {}
        for (seed, split), run, base in pairs:
            first, second = (self._read(side) for side in (run, base))
            assert first is not None and second is not None
            correct, baseline_correct = (
                accuracy_by_text(side.labels, side.predicted, side.classes) for side in (first, second)
            )
            samples.append(SplitDifferences(seed, split, first.ids, correct - baseline_correct))
            p_values[_split_name(seed, split)] = mcnemar(correct > 0, baseline_correct > 0)
        crossed = crossed_difference(samples)
        return TextDifference(row, col, crossed, crossed.p, p_values)

    def warnings(self) -> Iterator[ReportWarning]:
        if self.missing:
            what = f"{format_count(len(self.missing))} without a {PREDICTIONS}, left out of the comparison of texts"
            yield ReportWarning(what, list(self.missing))
        if self.unequal:
            what = f"{format_count(len(self.unequal), 'pair')} of runs that were not tested on the same texts"
            yield ReportWarning(what, self.unequal)

    def _read(self, run: RunRecord) -> PredictedClasses | None:
        predicted = self.predictions.read(run)
        if predicted is None:
            self.missing[run.folder] = None
        return predicted


def _pair_runs(
    runs: Iterable[RunRecord], baseline_runs: Iterable[RunRecord], row_keys: Sequence[str]
) -> Iterator[RunPair]:
    """Yield the runs of the same seed and split."""
    by_split = {split_of(run, row_keys): run for run in baseline_runs}
    for run in runs:
        if (split := split_of(run, row_keys)) in by_split:
            yield split, run, by_split[split]


def _split_name(seed: Any, split: Any) -> str:
    repeat, _ = split
    return ", ".join([f"seed {seed}", *(f"{key}={value}" for key, value in repeat if value)])


def _correct_p(differences: Sequence[TextDifference]) -> list[TextDifference]:
    """Correct the tests over seeds and texts, and McNemar's tests, by Holm."""
    mcnemar_p = iter(holm([p for difference in differences for p in difference.mcnemar.values()]))
    crossed_p = iter(holm([difference.p for difference in differences if difference.p is not None]))
    return [
        replace(
            difference,
            p=None if difference.p is None else next(crossed_p),
            mcnemar={name: next(mcnemar_p) for name in difference.mcnemar},
        )
        for difference in differences
    ]
