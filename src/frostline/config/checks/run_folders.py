"""Can each job have its folder? Asked before the first starts; nothing is made."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from frostline.errors import Problem

ANOTHER = "choose another folder, or leave it out: each run has its own"


class HasFolder(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def folder(self) -> Path: ...
    @property
    def overrides(self) -> Sequence[str]: ...
    @property
    def config(self) -> dict[str, object]: ...


def folder_problems(jobs: Sequence[HasFolder]) -> list[Problem]:
    problems = [problem for job in jobs for problem in _one(job)]
    owners: dict[Path, HasFolder] = {}
    for job in jobs:
        owner = owners.setdefault(job.folder, job)
        if owner.id != job.id:
            what = f"'{job.folder}' is the folder of two different jobs"
            problems.append(Problem("hydra.sweep.subdir", what, "leave it out, or name what differs in it"))
        elif owner is not job:
            what = f"'{' '.join(owner.overrides)}' and '{' '.join(job.overrides)}' are one and the same run"
            problems.append(Problem("--multirun", what, "leave one out"))
    return list(dict.fromkeys(problems))


def _one(job: HasFolder) -> list[Problem]:
    folder = job.folder.expanduser().absolute()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        return [Problem("hydra.run.dir", f"'{nearest}' is a file", "choose another folder")]
    if not _writable(nearest):
        return [Problem("hydra.run.dir", f"'{nearest}' cannot be written", "choose another folder")]
    return _held(job, folder) if nearest == folder else []


def _held(job: HasFolder, folder: Path) -> list[Problem]:
    """A folder that exists must be empty or this very run's."""
    owner = _owner(folder / ".job.json")
    if owner and owner != job.id:
        return [Problem("hydra.run.dir", f"'{folder}' holds another run ({owner}, this one is {job.id})", ANOTHER)]
    if not owner and (folder / "result.json").exists():
        return [Problem("hydra.run.dir", f"'{folder}' holds a result that is not this run's", ANOTHER)]
    if job.config.get("rerun") and (folder / "result.json").exists():
        return [Problem("rerun", f"'{folder}' holds the finished run", "leave hydra.run.dir out")]
    return []


def _owner(file: Path) -> str | None:
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _writable(folder: Path) -> bool:
    """Tried, as neither mode bits nor os.access know about root, read-only mounts and quotas."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
