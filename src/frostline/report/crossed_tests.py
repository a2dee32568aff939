"""Test the difference of two cells over seeds and texts, from the predictions of their runs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from frostline.report.cells import split_of
from frostline.report.read.find import PREDICTIONS
from frostline.report.read.predictions import PredictedClasses, PredictionReader
from frostline.report.read.runs import RunRecord
from frostline.report.statistics.by_text import BY_TEXT
from frostline.report.statistics.crossed import CrossedDifference, SplitDifferences, crossed_difference
from frostline.report.statistics.intervals import FEWEST_SEEDS
from frostline.report.warnings.warning import ReportWarning, format_count

SAME_SCORE = 1e-4  # scores are computed in single precision

RunPair = tuple[Any, RunRecord, RunRecord]  # seed and split, the run of a row, and that of the baseline


@dataclass
class CrossedTests:
    """Tests of pairs of cells. contradicting: runs whose predictions do not have the score of their result."""

    predictions: PredictionReader = field(default_factory=PredictionReader)
    contradicting: dict[str, None] = field(default_factory=dict)

    def test(
        self,
        runs: Sequence[RunRecord],
        baseline_runs: Sequence[RunRecord],
        metric: str,
        row_keys: Sequence[str],
        collapsed: Collection[str],
    ) -> CrossedDifference | None:
        """Return the difference in a metric of a test set, paired by seed, split and text.

        None for another metric than accuracy and macro-F1, for fewer than 3 seeds, and unless all pairs of runs have
        predictions for the same texts. The runs of a results.csv have none.
        """
        test_set, _, name = metric.rpartition("/")
        first, second = (
            [run for run in side if math.isfinite(run.metrics.get(metric, math.nan)) and run.folder not in collapsed]
            for side in (runs, baseline_runs)
        )
        pairs = _pair_runs(first, second, row_keys)
        if name not in BY_TEXT or pairs is None or len({seed for (seed, _), _, _ in pairs}) < FEWEST_SEEDS:
            return None
        samples = [self._differences(pair, test_set, name) for pair in pairs if self._is_testable(pair, test_set)]
        if len(samples) < len(pairs):
            return None
        has_score = [self._has_score(pair, test_set, name) for pair in pairs]
        return crossed_difference(samples) if all(has_score) else None

    def warnings(self) -> Iterator[ReportWarning]:
        if self.contradicting:
            what = f"{format_count(len(self.contradicting))} whose {PREDICTIONS} does not give the score of result.json"
            yield ReportWarning(f"{what}: not tested over seeds and texts", list(self.contradicting))

    def _is_testable(self, pair: RunPair, test_set: str) -> bool:
        first, second = (self.predictions.read(run, test_set) for run in pair[1:])
        return first is not None and second is not None and first.has_same_texts(second)

    def _has_score(self, pair: RunPair, test_set: str, name: str) -> bool:
        """Return whether the predictions of both runs have the scores of their results; remember those that do not."""
        wrong = []
        for run in pair[1:]:
            score = self._by_text(run, test_set, name).mean()
            if not math.isclose(score, run.metrics[f"{test_set}/{name}"], abs_tol=SAME_SCORE):
                wrong.append(run.folder)
        self.contradicting |= dict.fromkeys(wrong)
        return not wrong

    def _differences(self, pair: RunPair, test_set: str, name: str) -> SplitDifferences:
        (seed, split), run, base = pair
        ids = self._read(run, test_set).ids
        return SplitDifferences(
            seed, split, ids, self._by_text(run, test_set, name) - self._by_text(base, test_set, name)
        )

    def _by_text(self, run: RunRecord, test_set: str, name: str) -> Any:
        predicted = self._read(run, test_set)
        return BY_TEXT[name](predicted.labels, predicted.predicted, predicted.classes)

    def _read(self, run: RunRecord, test_set: str) -> PredictedClasses:
        predicted = self.predictions.read(run, test_set)
        assert predicted is not None
        return predicted


def _pair_runs(
    runs: Sequence[RunRecord], baseline_runs: Sequence[RunRecord], row_keys: Sequence[str]
) -> list[RunPair] | None:
    """Return the runs of each seed and split that both cells have; None if a cell has several runs of one of them."""
    sides: list[Mapping[Any, RunRecord]] = []
    for side in (runs, baseline_runs):
        counted = [run for run in side if not run.from_csv]
        by_split = {split_of(run, row_keys): run for run in counted}
        if len(by_split) < len(counted):
            return None
        sides.append(by_split)
    first, second = sides
    return [(split, run, second[split]) for split, run in first.items() if split in second]
