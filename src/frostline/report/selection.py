"""Describe the seeds and texts by which a study has chosen learning rates and other settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from frostline.report.grid import Grid
from frostline.report.read.runs import CHOSEN, RunRecord
from frostline.report.warnings.warning import format_count

VALIDATION_TEXTS = "val_texts"  # in the environment of a run


def selection_notes(shown: Grid, tried: Grid) -> Iterator[str]:
    """Yield a sentence on the cells with a chosen setting: at how many seeds and on how many texts it was chosen.

    shown: the cells of the table. tried: the same cells with the runs that were tried too.
    """
    searched = {at: _searched(tried.cell(*at)) for at in shown.at}
    searched = {at: runs for at, runs in searched.items() if runs}
    if not searched:
        return
    seeds = {len({run.seed for run in runs}) for runs in searched.values()}
    texts = {_validation_texts(run) for runs in searched.values() for run in runs}
    known = sorted(count for count in texts if count)
    on_texts = f" on {_span(known)} validation texts" if known and None not in texts else ""
    where = "In each cell" if len(searched) == len(shown.at) else f"In {len(searched)} of {len(shown.at)} cells"
    count = format_count(max(seeds), "seed") if len(seeds) == 1 else f"{_span(sorted(seeds))} seeds"
    yield f"{where} the learning rate or another setting was chosen on validation, at {count}{on_texts}."


def _searched(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """Return the runs that were tried but not chosen; none if nothing was to be chosen."""
    return [run for run in runs if run.choices.get(CHOSEN) == "no"]


def _validation_texts(run: RunRecord) -> int | None:
    """Return the number of validation texts: as recorded, else as the config limits it."""
    count = run.environment.get(VALIDATION_TEXTS, run.config.get("dataset.max_val"))
    return count if isinstance(count, int) else None


def _span(numbers: list[int]) -> str:
    return f"{numbers[0]}" if numbers[0] == numbers[-1] else f"{numbers[0]} to {numbers[-1]}"
