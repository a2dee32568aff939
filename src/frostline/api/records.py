"""Tables of finished runs: one row a run, or as a report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frostline.errors import UserError
from frostline.report.build import Report, build_report, path_problems
from frostline.report.query import DEFAULT_METRIC, DEFAULT_ROW, Query
from frostline.report.read.run_folders import read_runs
from frostline.report.read.runs import RunRecord, format_value

if TYPE_CHECKING:
    import pandas as pd

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def results(paths: Paths = "runs") -> pd.DataFrame:
    """Return a table with a row for each run at or below the paths, complete or not.

    The columns are folder, id, state ("complete", "failed", "pruned", "unfinished" or "unreadable"), the choices of
    config groups, the keys of the config (optimizer.lr), and the metrics (test/f1_macro, cost/seconds), which are nan
    for a run without a result.

    Args:
        paths: the folder of runs, of a study or of all runs, or the results.csv of a study; or several of them.

    Raises:
        UserError: a path does not exist.
    """
    import pandas as pd

    names = _names(paths)
    if problems := list(path_problems(names)):
        raise UserError(problems, subject="command")
    return pd.DataFrame([_columns(run) for run in read_runs(names)])


def report(
    paths: Paths = "runs",
    *,
    rows: str | Sequence[str] = DEFAULT_ROW,
    cols: str | Sequence[str] = (),
    metrics: str | Sequence[str] = DEFAULT_METRIC,
    where: Mapping[str, Any] | None = None,
    baseline: Mapping[str, Any] | None = None,
    ceiling: Mapping[str, Any] | None = None,
    extra: str | Sequence[str] = (),
    per_seed: bool = False,
    texts: bool = False,
    interval: bool = False,
) -> Report:
    """Return a table of runs with paired tests and warnings. It prints as `frostline report` prints it.

    Args:
        paths: as for `results`.
        rows, cols, extra: config keys, or groups whose choices are shown; extra: in columns of their own.
        where: key -> the value, or the list of values, that runs must have.
        baseline: key of the rows -> value of the row from which differences are taken.
        ceiling: the same for the row at which the gap ends, of which shares are shown instead of scores.
        per_seed: a row for each seed. texts: compare with the baseline text by text. interval: 95% intervals.

    Raises:
        UserError: there is no complete run, or no run has a key, a value or a metric of the query.
    """
    query = Query(
        rows=_names(rows),
        cols=_names(cols),
        metrics=_names(metrics),
        where={key: _values(value) for key, value in (where or {}).items()},
        baseline={key: format_value(value) for key, value in (baseline or {}).items()},
        ceiling={key: format_value(value) for key, value in (ceiling or {}).items()},
        extra=_names(extra),
        per_seed=per_seed,
        texts=texts,
        interval=interval,
    )
    return build_report(_names(paths), query)


def _names(names: Paths) -> list[str]:
    return [os.fspath(name) for name in ([names] if isinstance(names, str | os.PathLike) else names)]


def _values(value: Any) -> list[str]:
    return [format_value(one) for one in (value if isinstance(value, list | set) else [value])]


def _columns(run: RunRecord) -> dict[str, Any]:
    about = {"folder": run.folder, "id": run.id, "state": run.state}
    return about | {**run.choices, **run.config, **run.metrics}
