"""What was done to the data of the runs in a table, as their environment.json says: once for each data set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from frostline.report.read.run_folders import DATA_NOTES
from frostline.report.read.runs import RunRecord

FILES = {"table": "dataset.train", "hub": "dataset.name"}  # choice of a data set -> the key that names its files
DETAILS = re.compile(r"(: ['\"]| \(|; ).*", re.DOTALL)  # of a note, which are examples and advice


def data_notes(runs: Sequence[RunRecord]) -> Iterator[str]:
    """Yield a sentence for each data set with the notes on it; a count that differs between runs is a range."""
    found: dict[str, dict[str, list[tuple[int, str]]]] = {}
    for run in runs:
        for name, count, message in run.environment.get(DATA_NOTES) or ():
            found.setdefault(_data_set(run), {}).setdefault(name, []).append((count, message))
    for data_set, notes in found.items():
        yield f"Data of {data_set}: {'; '.join(map(_brief, notes.values()))}."


def _data_set(run: RunRecord) -> str:
    """Return the choice of the data set, or the name of its file or folder."""
    choice = run.choices.get("dataset", "")
    named = run.value(FILES[choice]) if choice in FILES else None
    return PurePath(str(named)).name if named else choice or "unknown name"


def _brief(notes: Sequence[tuple[int, str]]) -> str:
    """Return the statement of a note without its examples, which is the note of the first run, and with all counts."""
    counts = [count for count, _ in notes]
    what = DETAILS.sub("", notes[0][1])
    low, high = min(counts), max(counts)
    if low < high:
        return f"{what} (from {low:,} to {high:,} in different runs)"
    return what if low == 1 or re.search(rf"\b{low:,}\b", what) else f"{what} ({low:,})"
