"""How a table is to be read: a sentence on its numbers, and one on the test behind its bold ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from frostline.report.cells import TableCell
from frostline.report.read.runs import format_pairs
from frostline.report.statistics import paired
from frostline.report.statistics.paired import PairedDifference, format_p
from frostline.report.table import ReportTable


def table_notes(table: ReportTable) -> list[str]:
    found = list(_numbers(list(table.each())))
    if table.ceiling:
        found.append(_gap(table))
    elif table.baseline:
        found += _comparison(table)
    return found + list(_texts(table))


def _numbers(cells: Sequence[TableCell]) -> Iterator[str]:
    yield "Mean ± standard deviation over n seeds [95% interval by Student's t]; one seed has no interval."
    if any(cell.runs > cell.seeds for cell in cells):
        yield "Runs of one seed, such as folds, are averaged first."


def _gap(table: ReportTable) -> str:
    low, high = (_row(end) for end in (table.baseline, table.ceiling))
    return f"Shares of the gap, seed by seed: 0 is {low}, 1 is {high}."


def _row(values: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())


def _comparison(table: ReportTable) -> Iterator[str]:
    found = [cell.difference for cell in table.each() if cell.difference]
    named = _row(table.baseline)
    yield f"Δ: mean difference to {named}, paired by seed and split, with a 95% bootstrap interval (BCa) over seeds."
    tested = [one for one in found if one.p is not None]
    if tested:
        yield (
            f"p: paired sign-flip permutation test ({_how(tested)}) over {_span(tested)} pairs, Holm-corrected over "
            f"{len(tested)} comparison{'s' if len(tested) != 1 else ''}; bold: better at p < {paired.LEVEL}."
        )
    if len(tested) < len(found):
        few = [one for one in found if one.p is None]
        yield (
            f"Too few pairs for a test in {len(few)} of {len(found)} comparisons ({_span(few)}): "
            f"p < {paired.LEVEL} needs {paired.FEWEST} or more."
        )


def _how(tested: Sequence[PairedDifference]) -> str:
    kinds = {one.exact for one in tested}
    return "exact or sampled" if len(kinds) > 1 else "exact" if True in kinds else f"{paired.RESAMPLES} draws"


def _span(found: Sequence[PairedDifference]) -> str:
    low, high = min(one.pairs for one in found), max(one.pairs for one in found)
    return str(low) if low == high else f"{low} to {high}"


def _texts(table: ReportTable) -> Iterator[str]:
    if table.texts:
        tests = sum(len(one.mcnemar) for one in table.texts)
        yield (
            "Text by text, accuracy less the baseline's, with a 95% bootstrap interval over texts (those of all seeds "
            f"together); McNemar's exact test of each pair of runs, Holm-corrected over {tests}."
        )
    keys = (*table.row_keys, *table.col_keys)
    for one in table.texts:
        chances = ", ".join(f"{name}: {format_p(p)}" for name, p in one.mcnemar.items())
        interval = f"[{one.low:+.3f}, {one.high:+.3f}]"
        place = format_pairs(keys, (*one.row, *one.col))
        yield f"{place}: {one.mean:+.3f} {interval} over {one.texts:,} texts; {chances}."
