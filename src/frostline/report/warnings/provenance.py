"""Runs made from other code, texts, weights or packages, or on another machine, than those beside them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from frostline.report.read.run_folders import PACKAGES
from frostline.report.read.runs import RunRecord
from frostline.report.warnings.warning import ReportWarning, differ_from_most, format_count

SHORT = 8  # hex digits of a fingerprint that are shown


def provenance(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    """runs: complete ones. Those without a record are named elsewhere and left out."""
    known = [run for run in runs if run.environment]
    yield from differ_from_most(known, "are of another commit", _of("commit"), _short)
    dirty = [run.folder for run in known if run.environment["dirty"]]
    if dirty:
        yield ReportWarning(
            f"{format_count(len(dirty))} of code with uncommitted changes (uncommitted.diff has them)", dirty
        )
    yield from _unequal(known, "data", "read other texts than others of the same data set and split", _texts)
    for shift in sorted({name for run in known for name in run.environment if name.startswith("shift ")}):
        yield from _unequal(known, shift, f"read other texts of the {shift} than others of the same split", _texts)
    yield from _unequal(known, "encoder", "began with other weights than others of the same encoder", _encoder)
    for name in ("python", *PACKAGES):
        yield from differ_from_most(
            [run for run in known if name in run.environment], f"have another {name}", _of(name)
        )
    yield from differ_from_most(known, "ran on another device", _of("device"))
    yield from differ_from_most(known, "had another number of processes", _of("processes"))
    yield from differ_from_most(known, "had another number of threads", _of("threads"))


def _of(name: str) -> Callable[[RunRecord], Any]:
    return lambda run: run.environment.get(name)


def _short(value: Any) -> str:
    return "none known" if value is None else str(value)[:SHORT]


def _unequal(
    runs: Sequence[RunRecord], name: str, what: str, same: Callable[[RunRecord], Hashable]
) -> Iterator[ReportWarning]:
    """Fingerprints that differ where `same` says that they should not: all of them in one sentence."""
    groups: dict[Hashable, list[RunRecord]] = {}
    for run in runs:
        if run.environment.get(name) is not None:
            groups.setdefault(same(run), []).append(run)
    doubts = [doubt for own in groups.values() for doubt in differ_from_most(own, "", _of(name), _short)]
    odd = [line for doubt in doubts for line in doubt.concerned]
    if odd:
        yield ReportWarning(f"{format_count(len(odd))} {what} (fingerprints differ)", odd)


def _texts(run: RunRecord) -> Hashable:
    return run.choices.get("dataset"), run.texts, run.repeat


def _encoder(run: RunRecord) -> Hashable:
    """Weights that are drawn are another's with each seed."""
    own = [(key, value) for key, value in run.config.items() if key.startswith("encoder.")]
    drawn = run.value("encoder.untrained") or run.value("encoder.reinit_top") or not run.value("encoder.name")
    return run.choices.get("encoder"), tuple(own), run.seed if drawn else None
