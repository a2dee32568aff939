"""Compare two results.csv of a study run by run: equal to the bit, within the tolerance, or different."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from frostline.report.read.runs import CHOSEN, RunRecord
from frostline.report.warnings.failed import repeatable_metrics
from frostline.reproduce.study.cells import EXPERIMENT
from frostline.results.compare.aspects import ABSENT, DIFFERS, VERDICT_WORDS, compare_numbers


def compare_results(
    committed: Sequence[RunRecord], reproduced: Sequence[RunRecord], tolerance: float
) -> tuple[list[str], bool]:
    """Return the lines of the comparison, and whether each committed run is reproduced within the tolerance."""
    by_id = {run.id: run for run in reproduced}
    verdicts = [(run, *_compare_run(run, by_id.get(run.id), tolerance)) for run in committed]
    lines = [
        f"{run.choices.get('arm')}, {run.folder}: {VERDICT_WORDS[verdict]}{reason}"
        for run, verdict, reason in verdicts
        if verdict in (DIFFERS, ABSENT)
    ]
    counts = Counter(verdict for _, verdict, _ in verdicts)
    totals = [f"{counts[verdict]} {words.format(tolerance=tolerance)}" for verdict, words in VERDICT_WORDS.items()]
    more = len(by_id.keys() - {run.id for run in committed})
    added = f"; {more} more that are not committed" if more else ""
    lines.append(f"{len(committed)} runs: {', '.join(totals)}{added}")
    return lines, not counts[DIFFERS] and not counts[ABSENT]


def filter_runs(runs: Sequence[RunRecord], limits: Mapping[str, Sequence[str]]) -> list[RunRecord]:
    """Return the runs within the limits of `--only`."""
    return [run for run in runs if all(_value(run, key) in values for key, values in limits.items())]


def _value(run: RunRecord, key: str) -> str:
    value = str(run.value(key))
    return value.rpartition("/")[2] if key == EXPERIMENT else value


def _compare_run(committed: RunRecord, reproduced: RunRecord | None, tolerance: float) -> tuple[str, str]:
    """Return the verdict, and the first difference as it is printed behind the verdict."""
    if reproduced is None:
        return ABSENT, ""
    if committed.choices.get(CHOSEN) != reproduced.choices.get(CHOSEN):
        return DIFFERS, f", chosen: {committed.choices.get(CHOSEN)} | {reproduced.choices.get(CHOSEN)}"
    first, second = (
        {name: float("nan") if value is None else value for name, value in repeatable_metrics(run).items()}
        for run in (committed, reproduced)
    )
    aspect = compare_numbers("metrics", first, second, tolerance)
    return aspect.verdict, f", {aspect.lines[0]}" if aspect.lines else ""
