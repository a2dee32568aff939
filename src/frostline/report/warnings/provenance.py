"""Warnings of runs from another commit, data set, encoder, package version or machine than most runs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from frostline.report.read.run_folders import PACKAGES
from frostline.report.read.runs import RunRecord
from frostline.report.warnings.warning import ReportWarning, differ_from_most, format_count
from frostline.results.identity import INPUTS

DIGITS = 8  # of a fingerprint or commit that are shown


def provenance(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    """Warn of complete runs with another provenance; runs without an environment have a separate warning."""
    known = [run for run in runs if run.environment]
    yield from differ_from_most(known, "are of another commit", _entry("commit"), _short_hash)
    dirty = [run.folder for run in known if run.environment["dirty"]]
    if dirty:
        what = f"{format_count(len(dirty))} of code with uncommitted changes (see uncommitted.diff)"
        yield ReportWarning(what, dirty)
    yield from _unequal(known, "data", "read other texts than most runs of the same data set and split", _data_key)
    for shift in sorted({name for run in known for name in run.environment if name.startswith("shift ")}):
        yield from _unequal(
            known, shift, f"read other texts of the {shift} than most runs of the same split", _data_key
        )
    what = "started from other weights than most runs of the same encoder"
    yield from _unequal(known, "encoder", what, _encoder_key)
    for name in ("python", *PACKAGES):
        having = [run for run in known if name in run.environment]
        yield from differ_from_most(having, f"have another version of {name}", _entry(name))
    yield from differ_from_most(known, "ran on another device", _entry("device"))
    yield from _other_precision(known)
    yield from differ_from_most(known, "had another number of processes", _entry("processes"))
    yield from differ_from_most(known, "had another number of threads", _entry("threads"))


def _other_precision(runs: Sequence[RunRecord]) -> Iterator[ReportWarning]:
    """Warn of runs whose device lacks the precision of their config; older records do not say which one was used."""
    other = [
        f"{run.folder} ({used}, not {asked})"
        for run in runs
        if (used := run.environment.get("precision")) and (asked := run.value("trainer.precision")) not in (None, used)
    ]
    if other:
        yield ReportWarning(f"{format_count(len(other))} in another precision than trainer.precision", other)


def _entry(name: str) -> Callable[[RunRecord], Any]:
    return lambda run: run.environment.get(name)


def _short_hash(value: Any) -> str:
    return "unknown" if value is None else str(value)[:DIGITS]


def _unequal(
    runs: Sequence[RunRecord], name: str, what: str, key: Callable[[RunRecord], Hashable]
) -> Iterator[ReportWarning]:
    """Warn of fingerprints that differ between runs with an equal key, with one warning for all keys."""
    groups: dict[Hashable, list[RunRecord]] = {}
    for run in runs:
        if run.environment.get(name) is not None:
            groups.setdefault(key(run), []).append(run)
    warnings = [
        warning for same in groups.values() for warning in differ_from_most(same, "", _entry(name), _short_hash)
    ]
    concerned = [line for warning in warnings for line in warning.concerned]
    if concerned:
        yield ReportWarning(f"{format_count(len(concerned))} {what} (fingerprints differ)", concerned)


def _data_key(run: RunRecord) -> Hashable:
    texts = tuple(pair for pair in run.texts if not pair[0].startswith(f"{INPUTS}."))
    return run.choices.get("dataset"), texts, run.repeat


def _encoder_key(run: RunRecord) -> Hashable:
    """Return the encoder's config; with the seed if weights are initialised at random."""
    config = [(key, value) for key, value in run.config.items() if key.startswith("encoder.")]
    named = run.value("encoder.name") or run.value("encoder.path")
    random = run.value("encoder.untrained") or run.value("encoder.reinit_top") or not named
    return run.choices.get("encoder"), tuple(config), run.seed if random else None
