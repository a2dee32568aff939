"""What was typed after a verb: folders, flags with values, switches, and all that cannot be understood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from frostline.errors import Problem, did_you_mean

ASKED = {"--rows": "KEY", "--cols": "KEY", "--metric": "NAME", "--where": "KEY=VALUE"}  # of any report
ROWS = {"--baseline": "KEY=VALUE", "--ceiling": "KEY=VALUE"}  # with which the others are compared
TOLERANCE = "--tolerance"  # of verbs that compare runs
PER_SEED, TEXTS = "--per-seed", "--texts"  # which take no value
FLAGS = {  # of each verb, and its switches
    "report": ({**ASKED, **ROWS, "--format": "FORM", "--into": "FILE"}, (PER_SEED, TEXTS)),
    "figures": ({**ASKED, "--into": "FOLDER", "--format": "FORM"}, ()),
    "diff": ({TOLERANCE: "NUMBER"}, ()),
    "reproduce": ({TOLERANCE: "NUMBER", "--environment": "NAME", "--only": "KEY=VALUE"}, ("--write",)),
}
PLACES = ("FILE", "FOLDER")  # in whose names a comma is a letter


@dataclass
class Options:
    """What was typed. given: the values of each flag, in order; problems: what cannot be understood."""

    paths: list[str] = field(default_factory=list)
    given: dict[str, list[str]] = field(default_factory=dict)
    switches: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def last(self, flag: str, usual: str) -> str:
        return self.given[flag][-1] if self.given[flag] else usual

    def pairs(self, flag: str) -> dict[str, list[str]]:
        """`freezing=frozen,full`, split at its comma before: a value without a key belongs to the key before it."""
        found: dict[str, list[str]] = {}
        key = ""
        for value in self.given[flag]:
            if "=" in value:
                key, _, value = value.partition("=")
            found.setdefault(key, []).append(value)
        found.pop("", None)  # which is told as a problem
        return found


def read(verb: str, typed: Iterable[str], flags: Mapping[str, str], switches: Sequence[str] = ()) -> Options:
    """Words as they are typed, `--flag value` or `--flag=value`; nothing is refused before all are read.

    flags: what is shown of the value that each takes.
    """
    words, left = Options(given={flag: [] for flag in flags}), list(typed)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word in switches:
            words.switches.add(word)
        elif name in flags:
            follows = bool(left) and not left[0].startswith("--")
            value = value if equals else left.pop(0) if follows else ""
            if not value:
                words.problems.append(Problem(name, "has no value", f"give {name} {flags[name]}"))
            words.given[name] += [value] * bool(value) if flags[name] in PLACES else _parts(value)
        elif word.startswith("-"):
            do = did_you_mean(name, [*flags, *switches])
            words.problems.append(Problem(word, f"{verb} takes no such flag", do))
        else:
            words.paths.append(word)
    words.problems += _wrong(verb, words, flags)
    return words


def _parts(value: str) -> list[str]:
    """Split at commas that stand in no brackets: a value may be a list such as [vader_nyt,vader_tweets]."""
    parts, depth = [""], 0
    for letter in value:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part]


def _wrong(verb: str, words: Options, flags: Mapping[str, str]) -> Iterator[Problem]:
    if not words.paths:
        yield Problem(verb, "says no folder", f"give frostline {verb} PATH")
    for flag in (flag for flag, value in flags.items() if value == "KEY=VALUE"):
        for value in words.given[flag][:1]:
            if "=" not in value:
                yield Problem(flag, f"'{value}' names no key", f"give {flag} KEY=VALUE, such as freezing=frozen")


def unknown(flag: str, noun: str, names: Iterable[str], known: Sequence[str]) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(flag, f"no {noun} is called {name}", did_you_mean(name, known))


def unwritable(flag: str, target: str, folder: bool) -> Iterator[Problem]:
    """Of the file, or the folder, that is to be written; folders above it are made."""
    path = Path(target)
    if folder and path.exists() and not path.is_dir():
        yield Problem(flag, f"{target} is a file", "give a folder")
    if not folder and path.is_dir():
        yield Problem(flag, f"{target} is a folder", f"give a file, such as {path / 'report.html'}")
    if above := next((one for one in path.parents if one.exists() and not one.is_dir()), None):
        yield Problem(flag, f"{above} is a file, and {target} would stand in it", "give another place")
