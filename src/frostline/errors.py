"""What can go wrong, in one grammar: ``key: what is wrong; what to do``.

Exception
└── FrostlineError      the run cannot go on (exit status 1)
    ├── UserError       the user can mend it: config, data, folders (exit status 2)
    └── RankError       a process of a distributed run ended early (exit status 1)
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake: the config key (or file), what is wrong with it, what to do about it."""

    key: str
    what: str
    do: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what}; {self.do}"


class FrostlineError(Exception):
    """The run cannot go on."""

    status = 1


class UserError(FrostlineError):
    """Mistakes that the user can mend; all that are known are told at once."""

    status = 2

    def __init__(self, problems: Problem | Iterable[Problem], subject: str = "config") -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        self.subject = subject
        super().__init__(self.render())

    def render(self) -> str:
        count = len(self.problems)
        noun = "problem" if count == 1 else "problems"
        lines = [f"{self.subject} has {count} {noun}:"]
        return "\n".join(lines + [f"  {problem}" for problem in self.problems])


class RankError(FrostlineError):
    """A process of a distributed run ended before the run did. `where` is where it was, if it could say so."""

    def __init__(self, message: str, where: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.where = list(where)


def calls(error: BaseException) -> list[str]:
    """The innermost calls that led to an error, as `file:line function`."""
    return [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)][-5:]


def one_line(error: BaseException) -> str:
    """Return the first two lines of an error's message in one line of at most 240 characters."""
    text = str(error) or str(error.__cause__ or "") or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[:2])[:240]


def wrong(key: str, what: str, do: str) -> UserError:
    """A UserError with one problem."""
    return UserError(Problem(key, what, do))


def did_you_mean(word: str, known: Sequence[str], otherwise: str = "") -> str:
    """A suggestion: the nearest known word, or the list of them where none is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return otherwise or ("choose one of: " + ", ".join(known) if known else "remove it")
