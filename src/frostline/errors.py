"""The errors of a command. Each message is `key: what is wrong; what to do`.

Exception
└── FrostlineError      the run cannot continue (exit status 1)
    ├── UserError       the user can correct it: config, data, folders (exit status 2)
    └── RankError       a process of a distributed run ended early (exit status 1)
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake: the config key or file, what is wrong with it, and what to do."""

    key: str
    what: str
    do: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what}; {self.do}"


class FrostlineError(Exception):
    """The run cannot continue."""

    status = 1


class UserError(FrostlineError):
    """All mistakes of the user that could be found at once."""

    status = 2

    def __init__(self, problems: Problem | Iterable[Problem], subject: str = "config") -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        self.subject = subject
        super().__init__(self.render())

    def render(self) -> str:
        """Return the message: a title with the number of problems, and a line for each."""
        count = len(self.problems)
        noun = "problem" if count == 1 else "problems"
        lines = [f"{self.subject} has {count} {noun}:"]
        return "\n".join(lines + [f"  {problem}" for problem in self.problems])


class RankError(FrostlineError):
    """A process of a distributed run ended before the run did. where: its innermost calls, if it recorded them."""

    def __init__(self, message: str, where: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.where = list(where)


def innermost_calls(error: BaseException) -> list[str]:
    """Return the five innermost calls that led to an error, as `file:line function`."""
    return [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)][-5:]


def user_error(key: str, what: str, do: str) -> UserError:
    """Return a UserError with one problem."""
    return UserError(Problem(key, what, do))


def one_line(error: BaseException) -> str:
    """Return the first two lines of an error's message in one line of at most 240 characters."""
    text = str(error) or str(error.__cause__ or "") or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[:2])[:240]


def did_you_mean(word: str, known: Sequence[str], otherwise: str = "") -> str:
    """Return a suggestion: the most similar known word; else `otherwise`, or the list of known words."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return otherwise or ("choose one of: " + ", ".join(known) if known else "remove it")
