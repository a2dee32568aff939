"""Warnings of runs that have read only the beginning of many of their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from frostline.report.read.run_folders import TRUNCATED
from frostline.report.read.runs import RunRecord
from frostline.report.warnings.warning import ReportWarning, format_count

MAX_SHARE = 0.1  # of the texts of a split that may be truncated without a warning


def truncated_texts(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    """Warn of runs in which more than a tenth of the texts of a split are truncated to dataset.max_length."""
    concerned = []
    for run in runs:
        share, split = run.environment.get(TRUNCATED) or (0.0, "")
        if share > MAX_SHARE:
            length = run.value("dataset.max_length")
            concerned.append(f"{run.folder} ({share:.0%} of {split}, dataset.max_length={length})")
    if concerned:
        what = f"{format_count(len(concerned))} in which more than a tenth of the texts of a split are truncated"
        yield ReportWarning(what, concerned)
