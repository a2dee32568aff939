"""Suggestions for a mistyped key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def argument(key: str, name: str, known: Iterable[str]) -> str:
    """Return what to do about an argument that a part does not have: its full key with the closest argument."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {key}.{close[0]}?"
    return f"remove it, or choose one of: {', '.join(names)}" if names else "remove it"


def path(key: str, known: Iterable[str]) -> str:
    """Return what to do about a key that does not exist: a sibling, the same name elsewhere, or any close key."""
    keys = list(known)
    parent, _, last = key.rpartition(".")
    siblings = [k.rpartition(".")[2] for k in keys if k.rpartition(".")[0] == parent]
    if parent and siblings:
        close = difflib.get_close_matches(last, siblings, n=1, cutoff=0.6)
        return f"did you mean {parent}.{close[0]}?" if close else f"{parent} has: {', '.join(sorted(siblings))}"
    same_name = sorted((k for k in keys if k.rpartition(".")[2] == last), key=lambda k: (k.count("."), k))
    close = same_name[:1] or difflib.get_close_matches(key, keys, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else "see `frostline list` for groups and `frostline --help` for keys"
