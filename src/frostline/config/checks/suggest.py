"""Did-you-mean for dotted keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def argument(key: str, name: str, known: Iterable[str]) -> str:
    """For an argument that a part does not take: its nearest argument, by its full key."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {key}.{near[0]}?"
    return f"remove it, or choose one of: {', '.join(names)}" if names else "remove it"


def path(key: str, paths: Iterable[str]) -> str:
    """For a key that a config does not have: a sibling, a key of the same name elsewhere, or anything near."""
    every = list(paths)
    parent, _, last = key.rpartition(".")
    siblings = [p.rpartition(".")[2] for p in every if p.rpartition(".")[0] == parent]
    if parent and siblings:
        near = difflib.get_close_matches(last, siblings, n=1, cutoff=0.6)
        return f"did you mean {parent}.{near[0]}?" if near else f"{parent} has: {', '.join(sorted(siblings))}"
    namesakes = sorted((p for p in every if p.rpartition(".")[2] == last), key=lambda p: (p.count("."), p))
    near = namesakes[:1] or difflib.get_close_matches(key, every, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else "see `frostline list` for groups and `frostline --help` for keys"
