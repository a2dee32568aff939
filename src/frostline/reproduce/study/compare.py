"""Two results.csv of a study, run by run: what is equal to the bit, what is near, what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from frostline.report.read.runs import CHOSEN, RunRecord
from frostline.report.warnings.failed import repeatable_metrics
from frostline.reproduce.study.cells import EXPERIMENT
from frostline.results.compare.aspects import ABSENT, DIFFERS, VERDICT_WORDS, compare_numbers


def compared(before: Sequence[RunRecord], now: Sequence[RunRecord], tolerance: float) -> tuple[list[str], bool]:
    """Lines to print, and whether all that was there before is there again, near enough."""
    made = {run.id: run for run in now}
    found = [(run, *_of(run, made.get(run.id), tolerance)) for run in before]
    counts = Counter(verdict for _, verdict, _ in found)
    lines = [
        f"{_named(run)}: {VERDICT_WORDS[verdict]}{why}" for run, verdict, why in found if verdict in (DIFFERS, ABSENT)
    ]
    told = [f"{counts[verdict]} {VERDICT_WORDS[verdict].format(tolerance=tolerance)}" for verdict in VERDICT_WORDS]
    more = len(made.keys() - {run.id for run in before})
    lines.append(f"{len(before)} runs: {', '.join(told)}" + (f"; {more} more that were not there" if more else ""))
    return lines, not counts[DIFFERS] and not counts[ABSENT]


def within(runs: Sequence[RunRecord], limits: Mapping[str, Sequence[str]]) -> list[RunRecord]:
    """Those of the study's runs that are of the part that was made."""
    return [run for run in runs if all(_told(run, key) in values for key, values in limits.items())]


def _told(run: RunRecord, key: str) -> str:
    value = str(run.value(key))
    return value.rpartition("/")[2] if key == EXPERIMENT else value


def _of(before: RunRecord, now: RunRecord | None, tolerance: float) -> tuple[str, str]:
    if now is None:
        return ABSENT, ""
    if before.choices.get(CHOSEN) != now.choices.get(CHOSEN):
        return DIFFERS, f", chosen: {before.choices.get(CHOSEN)} | {now.choices.get(CHOSEN)}"
    own, theirs = (
        {k: float("nan") if v is None else v for k, v in repeatable_metrics(run).items()} for run in (before, now)
    )
    aspect = compare_numbers("metrics", own, theirs, tolerance)
    return aspect.verdict, f", {aspect.lines[0]}" if aspect.lines else ""


def _named(run: RunRecord) -> str:
    return f"{run.choices.get('arm')}, {run.folder}"
