"""Rows compared text by text, from predictions.parquet of each run: McNemar's test, and a bootstrap over texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from frostline.report.grid import Grid, Key
from frostline.report.read.runs import RunRecord, is_covered
from frostline.report.statistics.intervals import holm
from frostline.report.table import TextDifference, baseline_row
from frostline.report.warnings.warning import ReportWarning, format_count

FILE = "predictions.parquet"
BATCH = 200  # draws at a time, for less memory
Pair = tuple[Any, Any]  # seed, and split


def compare_texts(grid: Grid, baseline: Mapping[str, str]) -> tuple[list[TextDifference], list[ReportWarning]]:
    """Each row with its baseline, column by column; what cannot be compared is told."""
    found, absent, unequal = [], dict[str, None](), list[str]()
    rights: dict[str, Any] = {}
    for row in grid.rows:
        base = baseline_row(grid, row, baseline)
        for col in grid.cols if base not in (None, row) else ():
            assert base is not None
            pairs = list(_pairs(grid.cell(row, col), grid.cell(base, col), grid.row_keys))
            for run in (run for _, *both in pairs for run in both):
                if run.folder not in rights and (right := _right(run)) is not None:
                    rights[run.folder] = right
            absent |= dict.fromkeys(r.folder for _, *both in pairs for r in both if r.folder not in rights)
            known = [pair for pair in pairs if all(run.folder in rights for run in pair[1:])]
            alike = [pair for pair in known if _same_texts(*(rights[run.folder] for run in pair[1:]))]
            unequal += [
                f"{own.folder} and {theirs.folder}" for _, own, theirs in known if (_, own, theirs) not in alike
            ]
            if alike:
                found.append(
                    _difference(row, col, [(p, rights[a.folder][1], rights[b.folder][1]) for p, a, b in alike])
                )
    doubts = []
    if absent:
        doubts.append(
            ReportWarning(
                f"{format_count(len(absent))} without a {FILE}, left out of the comparison of texts", list(absent)
            )
        )
    if unequal:
        doubts.append(
            ReportWarning(
                f"{format_count(len(unequal), 'pair')} of runs that were not tested on the same texts", unequal
            )
        )
    return _corrected(found), doubts


def _pairs(
    own: Iterable[RunRecord], base: Iterable[RunRecord], without: Sequence[str]
) -> Iterator[tuple[Pair, RunRecord, RunRecord]]:
    """Runs of the same seed and split."""
    theirs = {_pair(run, without): run for run in base}
    for run in own:
        if (pair := _pair(run, without)) in theirs:
            yield pair, run, theirs[pair]


def _pair(run: RunRecord, without: Sequence[str]) -> Pair:
    return run.seed, (run.repeat, tuple(item for item in run.texts if not is_covered(item[0], without)))


def _right(run: RunRecord) -> Any:
    """Of the home test set (ids and labels (N, 2), whether each text was told right (N,)) in the order of ids; None
    without a file of one label a text."""
    import numpy as np
    from pyarrow import ArrowException, parquet, types

    try:
        table = parquet.read_table(Path(run.folder, FILE), filters=[("set", "==", "test")])
        if not types.is_integer(table["label"].type):  # lists of several
            return None
        classes = sorted(
            (n for n in table.column_names if n[:2] == "p_" and n[2:].isdecimal()), key=lambda n: int(n[2:])
        )
        chances = np.stack([table[name].to_numpy() for name in classes], axis=1)
        ids, labels = table["id"].to_numpy(), table["label"].to_numpy()
        order = np.argsort(ids, kind="stable")
        return np.stack([ids, labels], axis=1)[order], (chances.argmax(axis=1) == labels)[order]
    except (OSError, ArrowException, KeyError, ValueError):
        return None


def _same_texts(one: Any, other: Any) -> bool:
    import numpy as np

    return bool(np.array_equal(one[0], other[0]))


def _difference(row: Key, col: Key, pairs: Sequence[tuple[Pair, Any, Any]]) -> TextDifference:
    import numpy as np

    by_split: dict[Any, list[Any]] = {}
    for (_, split), own, theirs in pairs:
        by_split.setdefault(split, []).append(own.astype(float) - theirs)
    texts = np.concatenate([np.mean(each, axis=0) for each in by_split.values()])
    low, high = over_texts(texts)
    told = {_named(pair): mcnemar(own, theirs) for pair, own, theirs in pairs}
    return TextDifference(row, col, len(texts), float(texts.mean()), low, high, told)


def _named(pair: Pair) -> str:
    seed, (repeat, _) = pair
    return ", ".join([f"seed {seed}", *(f"{key}={value}" for key, value in repeat if value)])


def mcnemar(own: Any, theirs: Any) -> float:
    """own, theirs (N,): whether each text was told right -> p of the exact test: of the texts that one alone has right,
    each is as likely to be the other's (McNemar, 1947)."""
    from scipy.stats import binomtest

    more, less = int((own & ~theirs).sum()), int((theirs & ~own).sum())
    return float(binomtest(more, more + less).pvalue) if more + less else 1.0


def over_texts(differences: Any) -> tuple[float, float]:
    """(N,) differences, a text each -> the 95% percentile bootstrap interval of their mean."""
    import numpy as np
    from scipy.stats import bootstrap

    draws = np.random.default_rng(0)
    found = bootstrap((differences,), np.mean, vectorized=True, axis=-1, batch=BATCH, method="percentile", rng=draws)
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _corrected(found: Sequence[TextDifference]) -> list[TextDifference]:
    chances = iter(holm([p for one in found for p in one.mcnemar.values()]))
    return [replace(one, mcnemar={name: next(chances) for name in one.mcnemar}) for one in found]
