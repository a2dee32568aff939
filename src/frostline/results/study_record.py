"""The record of a study in its folder of runs: the seeds that it asks for, and the arm and choice of each run."""

from __future__ import annotations

import fcntl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frostline.results.atomic_files import read_json, write_json

FOLDER, FILE = ".study", "study.json"  # in the folder of the study's runs


@dataclass(frozen=True)
class RecordedCell:
    """The runs of one arm on one value of each key that it is crossed with.

    runs: name of the run folder -> whether the run has the chosen learning rate (or other choice).
    """

    arm: str
    runs: dict[str, bool]


@dataclass(frozen=True)
class StudyRecord:
    """seeds: those that study.yaml asks for. cells: by their names."""

    seeds: tuple[int, ...] = ()
    cells: Mapping[str, RecordedCell] = field(default_factory=dict)

    def arms_of(self, folder: str) -> list[tuple[str, bool]]:
        """Return the arms that a run folder belongs to, each with whether the run is chosen for it."""
        return [(cell.arm, cell.runs[folder]) for cell in self.cells.values() if folder in cell.runs]


def record_file(runs: Path) -> Path:
    """Return the record of the study whose run folders are in `runs`."""
    return runs / FOLDER / FILE


def read_record(runs: Path) -> StudyRecord | None:
    """Return the record; None if there is none, or none that can be read."""
    try:
        content: dict[str, Any] = read_json(record_file(runs))
        cells = {name: RecordedCell(cell["arm"], dict(cell["runs"])) for name, cell in content["cells"].items()}
        return StudyRecord(tuple(content["seeds"]), cells)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def update_record(
    runs: Path, seeds: Collection[int], cells: Mapping[str, RecordedCell], known: Collection[str]
) -> None:
    """Write the cells into the record; cells that another process has recorded remain if they are `known`."""
    file = record_file(runs)
    file.parent.mkdir(parents=True, exist_ok=True)
    with (file.parent / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = read_record(runs) or StudyRecord()
        merged = {name: cell for name, cell in before.cells.items() if name in known} | dict(cells)
        content = {name: {"arm": cell.arm, "runs": dict(cell.runs)} for name, cell in merged.items()}
        write_json(file, {"seeds": list(seeds), "cells": content})
