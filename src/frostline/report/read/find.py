"""Find run folders below any folders. Symbolic links are followed, each target once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from frostline.results.folder import RunFolder

_FOLDER = RunFolder(Path())
RESULT, FAILURE, PRUNED_FILE, JOB, PREDICTIONS = (
    path.name for path in (_FOLDER.result, _FOLDER.failure, _FOLDER.pruned, _FOLDER.job, _FOLDER.predictions)
)
MARKERS = {RESULT, FAILURE, PRUNED_FILE, JOB}  # a folder with one of these files is a run folder


def find_run_folders(paths: Sequence[str]) -> dict[str, set[str]]:
    """Return the run folders at or below the paths, each with the names of its files."""
    folders: dict[str, set[str]] = {}
    visited: set[str] = set()
    for path in paths:
        folders.update(_walk(os.path.normpath(path), visited))
    return folders


def _walk(folder: str, visited: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield run folders and their file names. visited: the starting points and link targets so far, against cycles."""
    if (target := os.path.realpath(folder)) in visited:
        return
    visited.add(target)
    pending = [folder]
    while pending:
        current = pending.pop()
        entries = _scan(current)
        names = {entry.name for entry in entries}
        if names & MARKERS:
            yield current, names
            continue
        for entry in entries:
            if entry.is_symlink() and entry.is_dir():
                yield from _walk(entry.path, visited)
            elif entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # no permission, or deleted meanwhile
        return []
