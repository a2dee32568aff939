"""frostline cache ls|verify|prune|clear [--dir DIR] [--max-bytes N]: what is kept of texts below frost lines.

ls tells what there is. verify reads all of it and names what is damaged, with exit status 1. prune removes what was
not used for longest until the rest fits N bytes, or a tenth of the free disk. clear removes all that is not in use.
DIR is that of cache.dir; without it FROSTLINE_STORE, or frost/ in the folder of downloads.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from frostline.cache.checksums import damage
from frostline.cache.store import Damaged, Entry, StateCache
from frostline.console import Progress
from frostline.data.downloads.package_cache import store_folder
from frostline.errors import Problem, UserError, did_you_mean
from frostline.results.summary_table import aligned

TITLES = ("encoder", "split", "texts", "line", "size", "last used")


def main(argv: list[str]) -> int:
    """Raises UserError where a word is unknown."""
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    action, shelf = _asked(argv)
    return ACTIONS[action](shelf)


def _asked(argv: Sequence[str]) -> tuple[str, StateCache]:
    words, folder, budget = list(argv), store_folder(), None
    given = {flag: _taken(words, flag) for flag in FLAGS}
    if (named := given["--dir"]) is not None:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise _wrong("--dir", f"'{named}' is no folder", "give the store's, as in cache.dir")
    if (number := given["--max-bytes"]) is not None:
        if not number.isdecimal():
            raise _wrong("--max-bytes", f"'{number}' is no number of bytes", "give one such as 5000000000")
        budget = int(number)
    action, *more = words or [""]
    if action not in ACTIONS:
        what = "no such action" if action else "says nothing to do"
        raise _wrong(action or "cache", what, did_you_mean(action, list(ACTIONS)))
    if more:
        raise _wrong(more[0], f"{action} takes no such word", did_you_mean(more[0], list(FLAGS)))
    if budget is not None and action != "prune":
        raise _wrong("--max-bytes", f"{action} takes no budget", "give it to prune")
    return action, StateCache(folder, budget)


def _taken(words: list[str], flag: str) -> str | None:
    """The value behind a flag, both taken from the words."""
    if flag not in words:
        return None
    at = words.index(flag)
    if at + 1 == len(words):
        raise _wrong(flag, "has no value", f"give frostline cache … {flag} {FLAGS[flag]}")
    value = words[at + 1]
    del words[at : at + 2]
    return value


def _wrong(key: str, what: str, do: str) -> UserError:
    return UserError(Problem(key, what, do), subject="command")


def _ls(shelf: StateCache) -> int:
    lines = [TITLES, *map(_line, shelf.all())]
    for line in aligned(lines, len(TITLES)) if len(lines) > 1 else []:
        print(line)
    _say_left(shelf)
    return 0


def _line(entry: Entry) -> tuple[str, ...]:
    try:
        found = entry.manifest()
        told = [found.get(name, "") for name in TITLES[:4]] if found else [entry.key, "", "", "unfinished"]
    except (Damaged, OSError):
        told = [entry.key, "", "", "damaged"]
    cells = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in told]
    return (*cells, human_size(entry.size), "in use" if entry.in_use else f"{_age(entry.used)} ago")


def _verify(shelf: StateCache) -> int:
    entries = shelf.entries()
    damages = []
    with Progress("checking", sum(entry.size for entry in entries), "B") as bar:
        for entry in entries:
            size = entry.size
            damages += [found] if (found := damage(entry)) is not None else []
            bar.update(size)
    for found in damages:
        print(found)
    if damages:
        print(f"{len(damages)} of {_count(len(entries))} damaged: computed again by the next run that wants it")
        return 1
    print(f"ok: {_count(len(entries))}")
    return 0


def _prune(shelf: StateCache) -> int:
    shelf.sweep()
    removed = shelf.prune() if shelf.folder.is_dir() else 0
    print(f"removed {human_size(removed)}")
    _say_left(shelf)
    return 0


def _clear(shelf: StateCache) -> int:
    shelf.sweep()
    before = shelf.size
    kept = [entry for entry in shelf.all() if not entry.remove()]
    print(f"removed {human_size(before - shelf.size)}")
    for entry in kept:
        print(f"in use, and still there: '{entry.path if entry.path.exists() else entry.work}'")
    return 0


def _say_left(shelf: StateCache) -> None:
    print(f"{_count(len(shelf.all()))}, {human_size(shelf.size)} in '{shelf.folder}'")


def _count(entries: int) -> str:
    return f"{entries:,} entr{'y' if entries == 1 else 'ies'}"


def human_size(size: float) -> str:
    """`12 B`, `3.4 MB`: at least two digits of it."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _age(since: float) -> str:
    seconds = max(time.time() - since, 0)
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 2 * 86400 else f"{seconds / 86400:.0f} days"


ACTIONS = {"ls": _ls, "verify": _verify, "prune": _prune, "clear": _clear}
FLAGS = {"--dir": "DIR", "--max-bytes": "N"}
