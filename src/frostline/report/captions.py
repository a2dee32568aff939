"""The caption of a table: what each cell shows, and how rows were compared with the baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

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
    if seeds == 1 and not exceptions:
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
            f"p: paired sign-flip permutation test ({_test_kind(tested)}) over {_pair_range(tested)} pairs, "
            f"Holm-corrected over {len(tested)} comparison{'s' if len(tested) != 1 else ''}; "
            f"bold: better at p < {paired.LEVEL}."
        )
    if len(tested) < len(differences):
        untested = [difference for difference in differences if difference.p is None]
        yield (
            f"Too few pairs for a test in {len(untested)} of {len(differences)} comparisons "
            f"({_pair_range(untested)}): p < {paired.LEVEL} needs {paired.FEWEST} or more."
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
        yield (
            "Text by text, accuracy less the baseline's, with a 95% bootstrap interval over texts (those of all seeds "
            f"together); McNemar's exact test of each pair of runs, Holm-corrected over {tests}."
        )
    keys = (*table.row_keys, *table.col_keys)
    for difference in table.texts:
        tests_of_runs = ", ".join(f"{name}: {format_p(p)}" for name, p in difference.mcnemar.items())
        interval = f"[{difference.low:+.3f}, {difference.high:+.3f}]"
        name = format_pairs(keys, (*difference.row, *difference.col))
        yield f"{name}: {difference.mean:+.3f} {interval} over {difference.texts:,} texts; {tests_of_runs}."
