"""The jobs of a sweep that have ended, a line each: jobs may be on other machines, and a file is all they share."""

from __future__ import annotations

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
    with _file(Path(sweep)).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row.__dict__) + "\n")


def rows(sweep: Path) -> list[Row]:
    """In the order in which they ended."""
    file = _file(sweep)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Row(**json.loads(line)) for line in lines]


def _file(sweep: Path) -> Path:
    return sweep / "jobs.jsonl"
