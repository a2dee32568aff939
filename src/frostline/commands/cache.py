"""`frostline cache`: list, verify, prune or clear the cached states below frost lines."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from collections.abc import Sequence

from frostline.cache.checksums import find_damage
from frostline.cache.store import Damaged, Entry, StateCache
from frostline.console import Progress
from frostline.data.downloads.package_cache import store_folder
from frostline.errors import Problem, UserError, did_you_mean
from frostline.options import OptionParser, non_empty
from frostline.results.home_paths import expand_home
from frostline.results.summary_table import align_columns

TITLES = ("encoder", "split", "texts", "line", "size", "last used")


def main(argv: list[str]) -> int:
    """Do one action with the cache.

    Raises:
        UserError: an argument or an option is wrong.
    """
    action, cache = _parse(argv)
    return ACTIONS[action](cache)


def _parser() -> OptionParser:
    parser = OptionParser(
        "cache",
        "List, verify, prune or clear the cached states below frost lines.",
        """\
ls      list the entries
verify  read all entries and print those that are damaged; the exit status is then 1
prune   remove the entries that were not used for longest, until the rest fits into the budget
clear   remove all entries that are not in use
""",
        usage="{ls,verify,prune,clear} [--dir DIR] [--max-bytes N]",
    )
    parser.add_argument("words", nargs="*", metavar="ACTION", help="ls, verify, prune or clear")
    folder = "the folder of the cache, as in cache.dir; by default $FROSTLINE_STORE, or frost/ in the download folder"
    parser.add_argument("--dir", type=non_empty, metavar="DIR", help=folder)
    budget = "the budget of prune in bytes; by default a tenth of the free disk space"
    parser.add_argument("--max-bytes", type=_bytes, metavar="N", help=budget)
    return parser


def _bytes(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"'{text}' is no number of bytes; give a number such as 5000000000")
    return int(text)


def _parse(argv: Sequence[str]) -> tuple[str, StateCache]:
    given = _parser().parse_or_raise(argv)
    folder = store_folder() if given.dir is None else expand_home(given.dir, "--dir")
    if given.dir is not None and not folder.is_dir():
        raise _problem("--dir", f"'{given.dir}' is no folder", "give the folder of the cache, as in cache.dir")
    action, *more = given.words or [""]
    if action not in ACTIONS:
        what = "no such action" if action else "names no action"
        raise _problem(action or "cache", what, did_you_mean(action, list(ACTIONS)))
    if more:
        raise _problem(more[0], f"{action} takes no argument", "give one action and options alone")
    if given.max_bytes is not None and action != "prune":
        raise _problem("--max-bytes", f"{action} takes no budget", "give it to prune")
    return action, StateCache(folder, given.max_bytes)


def _problem(key: str, what: str, remedy: str) -> UserError:
    return UserError(Problem(key, what, remedy), "command")


def _list(cache: StateCache) -> int:
    lines = [TITLES, *map(_entry_cells, cache.all_entries())]
    for line in align_columns(lines, len(TITLES)) if len(lines) > 1 else []:
        print(line)
    _print_size(cache)
    return 0


def _entry_cells(entry: Entry) -> tuple[str, ...]:
    try:
        manifest = entry.manifest()
        values = [manifest.get(name, "") for name in TITLES[:4]] if manifest else [entry.key, "", "", "unfinished"]
    except (Damaged, OSError):
        values = [entry.key, "", "", "damaged"]
    cells = [f"{value:,}" if isinstance(value, int) else str(value) for value in values]
    return (*cells, human_size(entry.size), "in use" if entry.in_use else f"{_age(entry.last_used)} ago")


def _verify(cache: StateCache) -> int:
    entries = cache.complete_entries()
    damages = []
    with Progress("checking", sum(entry.size for entry in entries), "B") as bar:
        for entry in entries:
            size = entry.size
            if (message := find_damage(entry)) is not None:
                damages.append(message)
            bar.update(size)
    for message in damages:
        print(message)
    if damages:
        print(f"{len(damages)} of {_count(len(entries))} damaged; the next run that needs them computes them again")
        return 1
    print(f"ok: {_count(len(entries))}")
    return 0


def _prune(cache: StateCache) -> int:
    cache.finish_deletions()
    removed = cache.prune() if cache.folder.is_dir() else 0
    print(f"removed {human_size(removed)}")
    _print_size(cache)
    return 0


def _clear(cache: StateCache) -> int:
    cache.finish_deletions()
    before = cache.size
    in_use = [entry for entry in cache.all_entries() if not entry.delete()]
    print(f"removed {human_size(before - cache.size)}")
    for entry in in_use:
        print(f"in use, not removed: '{entry.path if entry.path.exists() else entry.partial_path}'")
    return 0


def _print_size(cache: StateCache) -> None:
    print(f"{_count(len(cache.all_entries()))}, {human_size(cache.size)} in '{cache.folder}'")


def _count(entries: int) -> str:
    return f"{entries:,} entr{'y' if entries == 1 else 'ies'}"


def human_size(size: float) -> str:
    """Format bytes as `12 B` or `3.4 MB`, with at least two digits above 1 kB."""
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


ACTIONS = {"ls": _list, "verify": _verify, "prune": _prune, "clear": _clear}
