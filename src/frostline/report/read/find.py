"""Run folders, found below any folders; links are followed, and may go round."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

RESULT, FAILURE, PRUNED_FILE, JOB = "result.json", "failure.json", "pruned.json", ".job.json"
SIGNS = {RESULT, FAILURE, PRUNED_FILE, JOB}  # of a run's folder


def find_run_folders(paths: Sequence[str]) -> dict[str, set[str]]:
    """Each once, with the names of the files in it."""
    found: dict[str, set[str]] = {}
    seen: set[str] = set()
    for path in paths:
        found.update(_walk(os.path.normpath(path), seen))
    return found


def _walk(folder: str, seen: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Run folders and the names in them. seen: folders that were asked for or linked to: links may go round."""
    if (place := os.path.realpath(folder)) in seen:
        return
    seen.add(place)
    open_folders = [folder]
    while open_folders:
        here = open_folders.pop()
        entries = _entries(here)
        names = {entry.name for entry in entries}
        if names & SIGNS:
            yield here, names
            continue
        for entry in entries:
            if entry.is_symlink() and entry.is_dir():
                yield from _walk(entry.path, seen)
            elif entry.is_dir(follow_symlinks=False):
                open_folders.append(entry.path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # somebody else's, or gone since it was listed
        return []
