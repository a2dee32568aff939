"""Earlier runs of which a job would be a repetition if the files that it reads had not changed since."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from frostline.config.inputs import describe_input
from frostline.results.folder import RunFolder
from frostline.results.identity import INPUTS, id_without_inputs

ID_IN_NAME = re.compile(r"[0-9a-f]{8}(-rerun\d+)?$")  # the end of the name of a run folder


class HasFolder(Protocol):
    """The attributes of a job that are needed here."""

    @property
    def id(self) -> str: ...
    @property
    def folder(self) -> Path: ...
    @property
    def overrides(self) -> Sequence[str]: ...
    @property
    def config(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class EarlierRun:
    """A run with other content. at: when it was started, in seconds since the epoch; changed: keys of `inputs`."""

    folder: Path
    at: float
    changed: tuple[str, ...]


def changed_inputs(jobs: Sequence[HasFolder]) -> list[str]:
    """Return a line for each file or module that has changed since an earlier run of the same config."""
    names: dict[Path, list[str]] = {}
    found: dict[str, list[EarlierRun]] = {}
    for job in jobs:
        if (earlier := _latest(job, names)) is not None:
            for key in earlier.changed:
                found.setdefault(f"{key}: {describe_input(job.config, key)}", []).append(earlier)
    return [f"{what} has changed since {_describe(runs)}" for what, runs in found.items()]


def changed_keys(recorded: dict[str, Any], config: dict[str, Any]) -> tuple[str, ...]:
    """Return the inputs that differ between a recorded job and a config that is equal to its config in all else.

    They are none where the job is another run. recorded: the content of the job file of a run folder.
    """
    before, now = recorded.get(INPUTS), config.get(INPUTS)
    if not before or not now or recorded.get("without_inputs") != id_without_inputs(config):
        return ()
    return tuple(key for key in sorted({*before, *now}) if before.get(key) != now.get(key))


def _latest(job: HasFolder, names: dict[Path, list[str]]) -> EarlierRun | None:
    """Return the last run in the same study whose inputs were others; None where the job itself has been started."""
    if not job.config.get(INPUTS) or RunFolder(job.folder).job.exists():
        return None
    return max(_earlier(job, names), key=lambda run: run.at, default=None)


def _earlier(job: HasFolder, names: dict[Path, list[str]]) -> Iterator[EarlierRun]:
    """Yield runs in folders of the same name but for the id. names: of the folders in studies, read once."""
    study, start = job.folder.parent, ID_IN_NAME.sub("", job.folder.name)
    if study not in names:
        names[study] = [path.name for path in study.iterdir()] if study.is_dir() else []
    for name in names[study]:
        if name.startswith(start) and ID_IN_NAME.sub("", name) == start:
            folder = RunFolder(study / name)
            if changed := changed_keys(folder.read_job(), job.config):
                yield EarlierRun(folder.path, folder.job.stat().st_mtime, changed)


def _describe(runs: Sequence[EarlierRun]) -> str:
    last = max(runs, key=lambda run: run.at)
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(last.at))
    new = "a new run" if len(runs) == 1 else f"{len(runs)} new runs"
    return f"{at} ({last.folder}): {new}"
