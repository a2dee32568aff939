"""The jobs of a sweep that have ended, a line each: jobs may be on other machines, and a file is all they share."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

from frostline.store.summary import Row

here: list[Row] = []  # of a run by itself


def note(row: Row, sweep: str | None) -> None:
    """sweep: the folder of the sweep's own files, None for a run by itself."""
    if sweep is None:
        here.append(row)
        return
    Path(sweep).mkdir(parents=True, exist_ok=True)
    with _file(Path(sweep)).open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # not every file system that machines share appends in one piece
        file.write((json.dumps(row.__dict__) + "\n").encode())


def rows(sweep: Path) -> list[Row]:
    """In the order in which they ended; of a job that has ended more than once, as it ended last."""
    file = _file(sweep)
    lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []  # less what is half written
    found = [Row(**json.loads(line)) for line in lines]
    return list({row.folder: row for row in found}.values())


def _file(sweep: Path) -> Path:
    return sweep / "jobs.jsonl"
