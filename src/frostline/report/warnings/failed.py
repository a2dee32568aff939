"""Warnings of runs without a result or record, and of runs that were repeated with another result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from frostline.report.read.runs import ARM, COMPLETE, FAILED, PRUNED, UNFINISHED, UNREADABLE, RunRecord
from frostline.report.warnings.warning import ReportWarning, format_count

SENTENCES = {
    FAILED: "{} failed without a result",
    PRUNED: "{} pruned by a search, without a result",
    UNFINISHED: "{} without a result: killed, or still running",
    UNREADABLE: "{} with a file that cannot be read",
}


def missing_results(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    """Warn of runs without a result, by state."""
    for state, sentence in SENTENCES.items():
        names = [run.folder + (f" ({run.why})" if run.why else "") for run in runs if run.state == state]
        if names:
            yield ReportWarning(sentence.format(format_count(len(names))), names)


def missing_records(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    """Warn of complete runs without a config or an environment, which cannot be compared with other runs."""
    complete = [run for run in runs if run.state == COMPLETE]
    for name, lacking in (
        ("config.yaml", [run for run in complete if len(run.config) < 2]),
        ("environment.json", [run for run in complete if not run.environment]),
    ):
        if lacking:
            what = f"{format_count(len(lacking))} without a readable {name}, which cannot be compared with other runs"
            yield ReportWarning(what, [run.folder for run in lacking])


def deduplicate(runs: Sequence[RunRecord]) -> tuple[list[RunRecord], list[ReportWarning]]:
    """Return each run once, with the newest result; warn of runs whose metrics differ between repetitions.

    A run that belongs to several arms of a study is returned once for each arm.
    """
    arms: dict[str, set[str | None]] = {}
    for run in runs:
        arms.setdefault(run.id, set()).add(run.choices.get(ARM))
    by_id: dict[tuple[str, str | None], list[RunRecord]] = {}
    for run in runs:
        arm = run.choices.get(ARM) if len(arms[run.id] - {None}) > 1 else None
        by_id.setdefault((run.id, arm), []).append(run)
    newest = {key: max(same, key=_age_key) for key, same in by_id.items()}
    differing = [
        f"{key[0]}: {newest[key].folder} (newest, used), {_other_folders(newest[key], same)}"
        for key, same in by_id.items()
        if any(_differs(run, newest[key]) for run in same)
    ]
    what = f"{format_count(len(differing))} repeated with different results; the newest is used"
    return list(newest.values()), [ReportWarning(what, differing)] if differing else []


def _age_key(run: RunRecord) -> tuple[bool, bool, float, str]:
    """Sort runs by whether their environment and their arm are recorded, then by time."""
    return bool(run.environment), ARM in run.choices, run.written, run.folder


def _other_folders(newest: RunRecord, same: Sequence[RunRecord]) -> str:
    return ", ".join(run.folder for run in same if run is not newest)


def _differs(first: RunRecord, second: RunRecord) -> bool:
    """Return whether a metric that both have differs; a results.csv leaves some out."""
    metrics, other = repeatable_metrics(first), repeatable_metrics(second)
    return any(metrics[name] != other[name] for name in metrics.keys() & other.keys())


def repeatable_metrics(run: RunRecord) -> dict[str, float | None]:
    """Return the metrics that must be equal when a run is repeated; nan is None, so that it equals itself."""
    metrics = {name: value for name, value in run.metrics.items() if not name.startswith("cost/")}
    return {name: None if value != value else value for name, value in metrics.items()}
