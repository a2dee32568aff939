"""A table as records, one a cell: in JSON with notes and warnings, in csv by themselves."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from frostline.report.cells import TableCell
from frostline.report.table import ReportTable, TextDifference


def as_json(table: ReportTable) -> str:
    content = {
        "row_keys": list(table.row_keys),
        "col_keys": list(table.col_keys),
        "metrics": list(table.metrics),
        "baseline": dict(table.baseline),
        **({"ceiling": dict(table.ceiling)} if table.ceiling else {}),
        "rows": [cell_record(table, cell) for cell in table.each()],
        **({"texts": [text_difference_record(table, one) for one in table.texts]} if table.texts else {}),
        "notes": list(table.notes),
        "warnings": [str(doubt) for doubt in table.warnings],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(table: ReportTable) -> str:
    rows = [cell_record(table, cell) for cell in table.each()]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _compact(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def text_difference_record(table: ReportTable, one: TextDifference) -> dict[str, Any]:
    """A row compared with the baseline text by text."""
    keys = dict(zip((*table.row_keys, *table.col_keys), (*one.row, *one.col), strict=True))
    numbers = {"texts": one.texts, "difference": one.mean, "low": one.low, "high": one.high}
    return keys | numbers | {"mcnemar_p_holm": dict(one.mcnemar)}


def cell_record(table: ReportTable, cell: TableCell) -> dict[str, Any]:
    """The shown keys, then the numbers; None where there is none."""
    keys = dict(zip((*table.row_keys, *table.col_keys), (*cell.row, *cell.col), strict=True))
    every = cell.with_collapsed
    numbers = {
        "metric": cell.metric,
        "n": cell.told.n,
        "mean": cell.told.mean,
        "std": cell.told.std,
        "low": cell.told.low,
        "high": cell.told.high,
        "runs": cell.runs,
        "collapsed": cell.collapsed,
        "n_with_collapsed": every.n,
        "mean_with_collapsed": every.mean,
        "std_with_collapsed": every.std,
        "values": {str(seed): value for seed, value in cell.values.items()},
    }
    return keys | numbers | (_compared(cell) if table.baseline and not table.ceiling else {})


def _compared(cell: TableCell) -> dict[str, Any]:
    one = cell.difference
    return {
        "is_baseline": cell.is_baseline,
        "pairs": one.pairs if one else 0,
        "difference": one.mean if one else None,
        "difference_low": one.low if one else None,
        "difference_high": one.high if one else None,
        "difference_with_collapsed": cell.difference_with_collapsed,
        "p": one.p if one else None,
        "p_holm": cell.p,
        "better": cell.is_better,
        "test": _test(cell),
    }


def _test(cell: TableCell) -> str | None:
    """By which test p was found, or why there is none."""
    one = cell.difference
    if cell.is_baseline:
        return None
    if one is None:
        return "no pairs"
    if one.p is None:
        return "too few pairs for a test"
    return f"{'exact' if one.exact else 'sampled'} paired sign-flip permutation"


def _compact(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return json.dumps(value) if isinstance(value, dict) else value
