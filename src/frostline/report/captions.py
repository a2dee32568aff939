"""The caption of a table: what each cell shows, and how rows were compared with the baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from frostline.report.read.find import PREDICTIONS
from frostline.report.read.runs import format_pairs
from frostline.report.statistics import paired
from frostline.report.statistics.intervals import FEWEST_SEEDS, Summary
from frostline.report.statistics.paired import PairedDifference, format_p
from frostline.report.table import ReportTable
from frostline.report.warnings.warning import format_count
from frostline.results.metric_names import metric_range


def table_notes(table: ReportTable) -> list[str]:
    """Return the sentences of the caption."""
    notes = [_cell_note(table)]
    if any(cell.runs > cell.seeds for cell in table.each()):
        notes.append("Runs of one seed, such as folds, are averaged first.")
    if any(cell.lacks_runs for cell in table.each()):
        notes.append("Where a cell gives a number of seeds or folds, runs are missing: the value may change.")
    if any(cell.mixed for cell in table.each()):
        what = "Where a cell gives values of a key, it averages runs that differ in it:"
        notes.append(f"{what} add the key to --rows, or choose one value with --where.")
    if table.ceiling:
        notes.append(_gap_note(table))
    elif table.baseline:
        notes += _comparison_notes(table)
    notes += _no_interval_notes(table)
    return notes + list(_text_notes(table))


def _cell_note(table: ReportTable) -> str:
    """Describe the numbers of a cell, with the number of seeds of most cells."""
    seeds = table.usual_seeds
    exceptions = "" if all(map(table.is_usual, table.each())) else ", or over n seeds where a cell gives n"
    if seeds == 1 and all(cell.summary.n <= 1 for cell in table.each()):
        return "Values of one seed, without a standard deviation."
    interval = f" [95% confidence interval of the mean, {_method(table)}]" if table.interval else ""
    return f"Mean ± standard deviation{interval} over {format_count(seeds, 'seed')}{exceptions}."


def _method(table: ReportTable) -> str:
    """Return how intervals are computed. Shares of a gap have no range to which they could be clipped."""
    bounded = any(end for metric in table.metrics for end in map(math.isfinite, metric_range(metric)))
    return "Student's t" + (", clipped to the range of the metric" if bounded and not table.ceiling else "")


def _no_interval_notes(table: ReportTable) -> Iterator[str]:
    """Say when there is no interval, if a cell that could have one has none."""
    shown: list[Summary | PairedDifference] = [cell.difference for cell in table.each() if cell.difference]
    shown += [cell.summary for cell in table.each() if table.interval and cell.summary.n > 1]
    if any(one.low is None for one in shown):
        yield f"No interval with fewer than {FEWEST_SEEDS} seeds, or if all seeds have the same value."


def _gap_note(table: ReportTable) -> str:
    low, high = (_row_name(end) for end in (table.baseline, table.ceiling))
    return f"Share of the gap closed, seed by seed: 0 is {low}, 1 is {high}."


def _row_name(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())


def _comparison_notes(table: ReportTable) -> Iterator[str]:
    differences = [cell.difference for cell in table.each() if cell.difference]
    baseline = _row_name(table.baseline)
    yield (
        f"Δ: mean difference to {baseline}, paired by seed and split, with its 95% confidence interval over seeds "
        f"({_method(table)})."
    )
    tested = [difference for difference in differences if difference.p is not None]
    if tested:
        yield (
            f"p: {' or '.join(_test_names(tested))}, Holm-corrected over {format_count(len(tested), 'comparison')}; "
            f"bold: better at p < {paired.LEVEL}."
        )
    flipped = [difference for difference in tested if difference.crossed is None]
    if flipped and not paired.can_be_significant(max(one.pairs for one in flipped), len(tested)):
        yield (
            f"No p of a sign-flip test can be below {paired.LEVEL} here: {len(tested)} comparisons need "
            f"{paired.fewest_pairs(len(tested))} or more pairs."
        )
    if len(tested) < len(differences):
        untested = [difference for difference in differences if difference.p is None]
        yield (
            f"Too few pairs for a test in {len(untested)} of {len(differences)} comparisons "
            f"({_pair_range(untested)}): a sign-flip test needs {paired.FEWEST} or more for p < {paired.LEVEL}; a test "
            f"over seeds and texts needs {FEWEST_SEEDS} or more, run folders with {PREDICTIONS}, and accuracy or "
            "macro-F1."
        )


def _test_names(tested: Sequence[PairedDifference]) -> Iterator[str]:
    flipped = [difference for difference in tested if difference.crossed is None]
    if flipped:
        yield f"paired sign-flip permutation test ({_test_kind(flipped)}) over {_pair_range(flipped)} pairs"
    crossed = [difference for difference in tested if difference.crossed is not None]
    if crossed:
        few = f" of the {len(crossed)} comparisons with fewer" if flipped else ""
        yield (
            f"t test{few} over {_pair_range(crossed)} seeds and all test texts, clustered by both, where the interval "
            "is over seeds alone"
        )


def _test_kind(tested: Sequence[PairedDifference]) -> str:
    kinds = {difference.exact for difference in tested}
    if len(kinds) > 1:
        return "exact or sampled"
    return "exact" if True in kinds else f"{paired.RESAMPLES} draws"


def _pair_range(differences: Sequence[PairedDifference]) -> str:
    pairs = [difference.pairs for difference in differences]
    return str(min(pairs)) if min(pairs) == max(pairs) else f"{min(pairs)} to {max(pairs)}"


def _text_notes(table: ReportTable) -> Iterator[str]:
    if table.texts:
        tests = sum(len(difference.mcnemar) for difference in table.texts)
        over_seeds = sum(difference.p is not None for difference in table.texts)
        p_note = f", and p of the same test, Holm-corrected over {over_seeds}" if over_seeds else ""
        yield (
            "Text by text: accuracy less the baseline's, with its 95% confidence interval over seeds and texts, "
            f"clustered by both{p_note}. McNemar's exact test compares two trained models, not two ways of training; "
            f"it is Holm-corrected over {tests}."
        )
        if over_seeds < len(table.texts):
            yield f"With fewer than {FEWEST_SEEDS} seeds the interval is over texts alone, for these trained models."
    keys = (*table.row_keys, *table.col_keys)
    for difference in table.texts:
        tests_of_runs = ", ".join(f"{name}: {format_p(p)}" for name, p in difference.mcnemar.items())
        crossed, name = difference.crossed, format_pairs(keys, (*difference.row, *difference.col))
        interval = f"[{crossed.low:+.3f}, {crossed.high:+.3f}]"
        scope = f"{format_count(crossed.seeds, 'seed')} and {crossed.texts:,} texts"
        p = "" if difference.p is None else f", {format_p(difference.p)}"
        yield f"{name}: {crossed.mean:+.3f} {interval} over {scope}{p}; McNemar's test, {tests_of_runs}."
