"""Sentence templates and sentences drawn from them.

`(a|b)` one of several, `[a|b]` one of several or nothing, `(a;b)` all in any order, `<rule>` another template by its
name, `{list}` or `{list:slot}` a value of a list. Nothing is expanded in full: a template may stand for millions.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

TOKEN = re.compile(r"<[^>]*>|\{[^}]*\}|[()\[\]|;]|[^()\[\]|;<{]+")
ENDS = {"(": ")", "[": "]"}
Pick = Callable[[int], int]  # n -> a number below n


@dataclass(frozen=True)
class Choice:
    """Branches of which one is taken, or with `all` each of them in any order."""

    branches: tuple[tuple[str | Choice, ...], ...]
    all: bool = False


@dataclass(frozen=True)
class Grammar:
    """rules: templates by name. values: by the name of a list, what draws one of its values (a template itself)."""

    rules: Mapping[str, str]
    values: Mapping[str, Callable[[Pick], str]]

    def sentences(self, template: str, most: int) -> list[str]:
        """At most so many different sentences, the same ones for the same template on every machine."""
        parsed, pick = parse(template), _chance(template)
        found: dict[str, None] = {}
        for _ in range(4 * most):  # small templates have fewer
            if len(found) < most:
                found[" ".join(self._say(parsed, pick).split())] = None
        return list(found)

    def _say(self, node: str | Choice, pick: Pick) -> str:
        if isinstance(node, str):
            return self._word(node, pick)
        branches = list(node.branches)
        if not node.all:
            return "".join(self._say(part, pick) for part in branches[pick(len(branches))])
        order = [branches.pop(pick(len(branches))) for _ in range(len(branches))]
        return " ".join("".join(self._say(part, pick) for part in branch) for branch in order)

    def _word(self, token: str, pick: Pick) -> str:
        if token.startswith("<"):
            return self._say(parse(self.rules[token[1:-1]]), pick)
        if token.startswith("{"):
            value = self.values[token[1:-1].partition(":")[0]](pick)
            return self._say(parse(value), pick)
        return token


def parse(template: str) -> Choice:
    tokens = iter(TOKEN.findall(template))
    return _choice(tokens, "")


def _choice(tokens: Iterator[str], end: str) -> Choice:
    branches: list[list[str | Choice]] = [[]]
    together = False
    for token in tokens:
        if token == end:
            break
        if token in "|;":
            together = together or token == ";"
            branches.append([])
        elif token in ENDS:
            branches[-1].append(_choice(tokens, ENDS[token]))
        else:
            branches[-1].append(token)
    if end == "]":
        branches.append([])
    return Choice(tuple(map(tuple, branches)), together)


def _chance(seed: str) -> Pick:
    counter = itertools.count()

    def pick(below: int) -> int:
        return int(hashlib.sha256(f"{next(counter)}\n{seed}".encode()).hexdigest(), 16) % below

    return pick
