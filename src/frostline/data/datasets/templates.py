"""Sample sentences from sentence templates.

`(a|b)` is one of several, `[a|b]` one of several or nothing, `(a;b)` all in any order, `<rule>` another template by
name, `{list}` or `{list:slot}` a value of a list. A template is never expanded in full, because it may have millions of
sentences.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

TOKEN = re.compile(r"<[^>]*>|\{[^}]*\}|[()\[\]|;]|[^()\[\]|;<{]+")
ENDS = {"(": ")", "[": "]"}
Pick = Callable[[int], int]  # n -> an integer in [0, n)


@dataclass(frozen=True)
class Choice:
    """Alternatives, of which one is chosen, or with `all` each of them in any order."""

    branches: tuple[tuple[str | Choice, ...], ...]
    all: bool = False


@dataclass(frozen=True)
class Grammar:
    """rules: templates by name. values: by the name of a list, a function that samples a value, which is a template."""

    rules: Mapping[str, str]
    values: Mapping[str, Callable[[Pick], str]]

    def sentences(self, template: str, maximum: int) -> list[str]:
        """Return at most `maximum` different sentences, the same for the same template on every machine."""
        parsed, pick = parse(template), _seeded_pick(template)
        sampled: dict[str, None] = {}
        for _ in range(4 * maximum):  # small templates have fewer sentences
            if len(sampled) < maximum:
                sampled[" ".join(self._sample(parsed, pick).split())] = None
        return list(sampled)

    def _sample(self, node: str | Choice, pick: Pick) -> str:
        if isinstance(node, str):
            return self._sample_token(node, pick)
        branches = list(node.branches)
        if not node.all:
            return "".join(self._sample(part, pick) for part in branches[pick(len(branches))])
        order = [branches.pop(pick(len(branches))) for _ in range(len(branches))]
        return " ".join("".join(self._sample(part, pick) for part in branch) for branch in order)

    def _sample_token(self, token: str, pick: Pick) -> str:
        if token.startswith("<"):
            return self._sample(parse(self.rules[token[1:-1]]), pick)
        if token.startswith("{"):
            value = self.values[token[1:-1].partition(":")[0]](pick)
            return self._sample(parse(value), pick)
        return token


def parse(template: str) -> Choice:
    """Return the syntax tree of a template."""
    tokens = iter(TOKEN.findall(template))
    return _choice(tokens, "")


def _choice(tokens: Iterator[str], end: str) -> Choice:
    branches: list[list[str | Choice]] = [[]]
    all_branches = False
    for token in tokens:
        if token == end:
            break
        if token in "|;":
            all_branches = all_branches or token == ";"
            branches.append([])
        elif token in ENDS:
            branches[-1].append(_choice(tokens, ENDS[token]))
        else:
            branches[-1].append(token)
    if end == "]":
        branches.append([])
    return Choice(tuple(map(tuple, branches)), all_branches)


def _seeded_pick(seed: str) -> Pick:
    """Return a random function whose results depend on the seed only, not on the version of a library."""
    counter = itertools.count()

    def pick(n: int) -> int:
        return int(hashlib.sha256(f"{next(counter)}\n{seed}".encode()).hexdigest(), 16) % n

    return pick
