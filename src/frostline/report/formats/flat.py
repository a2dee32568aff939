"""A table as records, one for each cell: in JSON with notes and warnings, in csv alone."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from frostline.report.cells import TableCell
from frostline.report.table import ReportTable, TextDifference


def as_json(table: ReportTable) -> str:
    texts = [text_difference_record(table, difference) for difference in table.texts]
    content = {
        "row_keys": list(table.row_keys),
        "col_keys": list(table.col_keys),
        "metrics": list(table.metrics),
        "baseline": dict(table.baseline),
        **({"ceiling": dict(table.ceiling)} if table.ceiling else {}),
        "rows": [cell_record(table, cell) for cell in table.each()],
        **({"texts": texts} if texts else {}),
        "notes": list(table.notes),
        "warnings": [str(warning) for warning in table.warnings],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(table: ReportTable) -> str:
    records = [cell_record(table, cell) for cell in table.each()]
    text = io.StringIO(newline="")
    names = list(dict.fromkeys(key for record in records for key in record))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _csv_value(value) for key, value in record.items()} for record in records)
    return text.getvalue()


def text_difference_record(table: ReportTable, difference: TextDifference) -> dict[str, Any]:
    """Return the comparison of a row with the baseline text by text."""
    keys = dict(zip((*table.row_keys, *table.col_keys), (*difference.row, *difference.col), strict=True))
    return keys | {
        "texts": difference.crossed.texts,
        "seeds": difference.crossed.seeds,
        "difference": difference.crossed.mean,
        "low": difference.crossed.low,
        "high": difference.crossed.high,
        "interval": "over seeds and texts" if difference.crossed.over_seeds else "over texts",
        "p_holm": difference.p,
        "mcnemar_p_holm": dict(difference.mcnemar),
    }


def cell_record(table: ReportTable, cell: TableCell) -> dict[str, Any]:
    """Return the keys of a cell and its values; missing values are None."""
    keys = dict(zip((*table.row_keys, *table.col_keys), (*cell.row, *cell.col), strict=True))
    summary, all_runs = cell.summary, cell.summary_with_collapsed
    values = {
        "metric": cell.metric,
        "n": summary.n,
        "mean": summary.mean,
        "std": summary.std,
        "low": summary.low,
        "high": summary.high,
        "runs": cell.runs,
        "seeds": cell.seeds,
        "seeds_wanted": cell.wanted,
        "folds_missing": cell.missing_folds,
        "mixed": list(cell.mixed),
        "collapsed": cell.collapsed,
        "n_with_collapsed": all_runs.n,
        "mean_with_collapsed": all_runs.mean,
        "std_with_collapsed": all_runs.std,
        "values": {str(seed): value for seed, value in cell.values.items()},
    }
    extra = {key: texts[cell.row] for key, texts in table.extra.items()}
    return keys | extra | values | (_difference_record(cell) if table.baseline and not table.ceiling else {})


def _difference_record(cell: TableCell) -> dict[str, Any]:
    difference = cell.difference
    return {
        "is_baseline": cell.is_baseline,
        "pairs": difference.pairs if difference else 0,
        "difference": difference.mean if difference else None,
        "difference_low": difference.low if difference else None,
        "difference_high": difference.high if difference else None,
        "difference_with_collapsed": cell.difference_with_collapsed,
        "p": difference.p if difference else None,
        "p_holm": cell.p,
        "better": cell.is_better,
        "test": _test_name(cell),
    }


def _test_name(cell: TableCell) -> str | None:
    """Return the test of p, or why there is none; None for the baseline."""
    difference = cell.difference
    if cell.is_baseline:
        return None
    if difference is None:
        return "no pairs"
    if difference.p is None:
        return "too few pairs for a test"
    if difference.crossed is not None:
        return "t test over seeds and texts"
    return f"{'exact' if difference.exact else 'sampled'} paired sign-flip permutation"


def _csv_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return json.dumps(value) if isinstance(value, dict | list) else value
