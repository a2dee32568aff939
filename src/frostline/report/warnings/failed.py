"""Runs that have come to nothing, and runs that are there more than once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from frostline.report.read.runs import COMPLETE, FAILED, PRUNED, UNFINISHED, UNREADABLE, RunRecord
from frostline.report.warnings.warning import ReportWarning, format_count

SAID = {
    FAILED: "{} failed and left no result",
    PRUNED: "{} given up by a search, without a result",
    UNFINISHED: "{} without a result: killed, or still under way",
    UNREADABLE: "{} in which a file cannot be read",
}


def missing_results(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    for state, said in SAID.items():
        found = [run for run in runs if run.state == state]
        if found:
            yield ReportWarning(said.format(format_count(len(found))), [_named(run) for run in found])


def _named(run: RunRecord) -> str:
    return f"{run.folder} ({run.why})" if run.why else run.folder


def missing_records(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    """Complete runs of which it cannot be said whether they belong."""
    complete = [run for run in runs if run.state == COMPLETE]
    for name, lacking in (
        ("config.yaml", [run for run in complete if len(run.config) < 2]),
        ("environment.json", [run for run in complete if not run.environment]),
    ):
        if lacking:
            what = f"{format_count(len(lacking))} of which no {name} can be read, to see whether they belong"
            yield ReportWarning(what, [run.folder for run in lacking])


def deduplicate(runs: Sequence[RunRecord]) -> tuple[list[RunRecord], list[ReportWarning]]:
    """Each run once: of those with the same id the newest result, as told where their scores differ."""
    by_id: dict[str, list[RunRecord]] = {}
    for run in runs:
        by_id.setdefault(run.id, []).append(run)
    kept = {key: max(same, key=_newest) for key, same in by_id.items()}
    differ = [(kept[key], same) for key, same in by_id.items() if any(_apart(run, kept[key]) for run in same)]
    told = [f"{run.id}: {run.folder} (newest, used), {_others(run, same)}" for run, same in differ]
    what = f"{format_count(len(differ))} done more than once with different results; the newest is used"
    return list(kept.values()), [ReportWarning(what, told)] if told else []


def _newest(run: RunRecord) -> tuple[bool, float, str]:
    """Sort runs by whether their environment is recorded, then by time."""
    return bool(run.environment), run.written, run.folder


def _others(kept: RunRecord, same: Sequence[RunRecord]) -> str:
    return ", ".join(run.folder for run in same if run is not kept)


def _apart(run: RunRecord, kept: RunRecord) -> bool:
    """In a score that both have: a copy may have fewer."""
    own, theirs = repeatable_metrics(run), repeatable_metrics(kept)
    return any(own[name] != theirs[name] for name in own.keys() & theirs.keys())


def repeatable_metrics(run: RunRecord) -> dict[str, float | None]:
    """What must be the same when a run is done again; nan is the same as nan."""
    own = {name: value for name, value in run.metrics.items() if not name.startswith("cost/")}
    return {name: None if value != value else value for name, value in own.items()}
