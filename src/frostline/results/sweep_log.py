"""A sweep's jobs as they begin and end, a line each: they may be on other machines, and a file is all they share."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline.results.atomic_files import read_json, write_json
from frostline.results.summary_table import Row

ABOUT, JOBS = "sweep.json", "jobs.jsonl"
here: list[Row] = []  # of a run by itself


@dataclass(frozen=True)
class SweepStarted:
    """A sweep as it was begun: by what command, in which process, when, and how many jobs it has.

    jobs: None where that is not known. monitor: the metric that they are compared by.
    """

    command: str
    host: str
    pid: int
    at: float
    jobs: int | None
    monitor: str


@dataclass(frozen=True)
class JobStarted:
    """That a job is under way, and since when."""

    folder: str
    at: float


@dataclass(frozen=True)
class JobFinished:
    """A job's row, when that was, and its value of the monitored metric, None where it has none."""

    row: Row
    at: float
    value: float | None


def open_sweep(sweep: Path, command: str, jobs: int | None, monitor: str) -> None:
    sweep.mkdir(parents=True, exist_ok=True)
    about = SweepStarted(command, socket.gethostname(), os.getpid(), time.time(), jobs, monitor)
    write_json(sweep / ABOUT, about.__dict__)


def opened(sweep: Path) -> SweepStarted:
    return SweepStarted(**read_json(sweep / ABOUT))


def begin(folder: Path, sweep: str | None) -> None:
    """sweep: the folder of the sweep's own files, None for a run by itself."""
    if sweep is not None:
        _append(Path(sweep), {"begun": str(folder), "at": time.time()})


def note(row: Row, sweep: str | None, value: float | None = None) -> None:
    if sweep is None:
        here.append(row)
    else:
        _append(Path(sweep), {"ended": row.__dict__, "at": time.time(), "value": value})


def rows(sweep: Path) -> list[Row]:
    """In the order in which they ended; of a job that has ended more than once, as it ended last."""
    return list({one.row.folder: one.row for one in told(sweep) if isinstance(one, JobFinished)}.values())


def told(sweep: Path) -> list[JobStarted | JobFinished]:
    """In the order in which it happened."""
    file = sweep / JOBS
    *lines, _ = file.read_text(encoding="utf-8").split("\n") if file.exists() else [""]  # the last may be half there
    return [_read(json.loads(line)) for line in lines]


def sweeps(folder: Path) -> list[Path]:
    """The sweeps below a folder, or the one that it is itself, the last begun at the end."""
    places = [folder / ABOUT, *folder.glob(f".sweeps/*/{ABOUT}"), *folder.glob(f"*/.sweeps/*/{ABOUT}")]
    return sorted((file.parent for file in places if file.exists()), key=lambda sweep: opened(sweep).at)


def _read(line: dict[str, Any]) -> JobStarted | JobFinished:
    at = line["at"]
    return JobStarted(line["begun"], at) if "begun" in line else JobFinished(Row(**line["ended"]), at, line["value"])


def _append(sweep: Path, line: dict[str, Any]) -> None:
    sweep.mkdir(parents=True, exist_ok=True)
    with (sweep / JOBS).open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # not every file system that machines share appends in one piece
        file.write((json.dumps(line) + "\n").encode())
