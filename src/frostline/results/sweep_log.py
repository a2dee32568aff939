"""The log of a sweep: a line for each job that starts or finishes.

It is a file in the sweep's folder, because jobs may run on other machines that share nothing but a file system.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frostline import session
from frostline.results.atomic_files import read_json, write_json
from frostline.results.summary_table import Row

HEADER_FILE, JOBS_FILE = "sweep.json", "jobs.jsonl"


@dataclass(frozen=True)
class SweepStarted:
    """A sweep: its command, its process, when it started, and the number of its jobs.

    at: seconds since the epoch. jobs: None where the number is unknown. monitor: the metric that ranks the jobs.
    """

    command: str
    host: str
    pid: int
    at: float
    jobs: int | None
    monitor: str


@dataclass(frozen=True)
class JobStarted:
    """A job's folder and when it started, in seconds since the epoch."""

    folder: str
    at: float


@dataclass(frozen=True)
class JobFinished:
    """A job's row, when it finished, and its value of the monitored metric, None where it has none."""

    row: Row
    at: float
    value: float | None


def open_sweep(sweep: Path, command: str, jobs: int | None, monitor: str) -> None:
    """Write the header of the sweep with folder `sweep`."""
    sweep.mkdir(parents=True, exist_ok=True)
    header = SweepStarted(command, socket.gethostname(), os.getpid(), time.time(), jobs, monitor)
    write_json(sweep / HEADER_FILE, header.__dict__)


def read_header(sweep: Path) -> SweepStarted:
    """Return the header of a sweep."""
    return SweepStarted(**read_json(sweep / HEADER_FILE))


def log_started(folder: Path, sweep: str | None) -> None:
    """Log the start of the job in `folder`. sweep: the sweep's folder, None for a single run."""
    if sweep is not None:
        _append_line(Path(sweep), {"started": str(folder), "at": time.time()})


def log_finished(row: Row, sweep: str | None, value: float | None = None) -> None:
    """Log the end of a job. sweep: the sweep's folder; None for a single run, whose row the session takes."""
    if sweep is None:
        session.current().rows.append(row)
    else:
        _append_line(Path(sweep), {"finished": row.__dict__, "at": time.time(), "value": value})


def finished_rows(sweep: Path) -> list[Row]:
    """Return the rows of finished jobs in the order of their first end; the last row of a job that ran twice."""
    events = read_events(sweep)
    return list({event.row.folder: event.row for event in events if isinstance(event, JobFinished)}.values())


def read_events(sweep: Path) -> list[JobStarted | JobFinished]:
    """Return the starts and ends of jobs in order of time."""
    file = sweep / JOBS_FILE
    *lines, _ = file.read_text(encoding="utf-8").split("\n") if file.exists() else [""]  # the last may be incomplete
    return [_event_from(json.loads(line)) for line in lines]


def find_sweeps(folder: Path) -> list[Path]:
    """Return the sweeps in a folder, or the one whose folder it is, in the order of their start."""
    files = [folder / HEADER_FILE]
    files += [file for pattern in (".sweeps/*", "*/.sweeps/*") for file in folder.glob(f"{pattern}/{HEADER_FILE}")]
    return sorted((file.parent for file in files if file.exists()), key=lambda sweep: read_header(sweep).at)


def _event_from(line: dict[str, Any]) -> JobStarted | JobFinished:
    if "started" in line:
        return JobStarted(line["started"], line["at"])
    return JobFinished(Row(**line["finished"]), line["at"], line["value"])


def _append_line(sweep: Path, line: dict[str, Any]) -> None:
    sweep.mkdir(parents=True, exist_ok=True)
    with (sweep / JOBS_FILE).open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # on some network file systems an append alone is not atomic
        file.write((json.dumps(line) + "\n").encode())
