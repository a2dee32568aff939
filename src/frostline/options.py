"""Options of the subcommands, read by argparse in the grammar of our errors: `--flag: what is wrong; what to do`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from frostline.errors import Problem, UserError, did_you_mean

DEFAULT_TOLERANCE = 1e-4


class OptionParser(argparse.ArgumentParser):
    """A parser of one subcommand. It raises a UserError where argparse would print a message and exit."""

    def __init__(self, subcommand: str, description: str, epilog: str = "", usage: str | None = None) -> None:
        super().__init__(
            f"frostline {subcommand}",
            usage=f"frostline {subcommand} {usage}" if usage is not None else None,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.subcommand = subcommand

    @property
    def flags(self) -> dict[str, str]:
        """The long options, each with the name of its value ("" for a switch)."""
        return {
            flag: "" if action.nargs == 0 else str(action.metavar)
            for action in self._actions
            for flag in action.option_strings
            if flag.startswith("--") and flag != "--help"
        }

    def error(self, message: str) -> NoReturn:
        """Raise a UserError for one message of argparse, such as `argument --rows: expected one argument`."""
        flag, _, what = message.removeprefix("argument ").partition(": ")
        value = self.flags.get(flag, "")
        if what.startswith("expected one argument"):
            raise _problem(flag, "has no value", f"give {flag} {value}")
        if what.startswith("ignored explicit argument"):
            raise _problem(flag, "takes no value", f"give {flag} alone")
        what, _, remedy = what.partition("; ")
        raise _problem(flag, what, remedy or f"see frostline {self.subcommand} --help")

    def parse_all(self, argv: Iterable[str]) -> tuple[argparse.Namespace, list[Problem]]:
        """Return the options, with defaults where a value is wrong, and all problems of the command line.

        Positional arguments and options may be mixed. `-h` and `--help` print the help and exit with status 0.
        """
        words, problems = list(argv), list[Problem]()
        while True:
            try:
                namespace, unknown = self.parse_known_intermixed_args(words)
            except UserError as error:
                problems += error.problems
                words = _without(error.problems[0].key, words)
                continue
            return namespace, list(dict.fromkeys([*self._unknown_options(unknown), *problems]))

    def parse_or_raise(self, argv: Iterable[str]) -> argparse.Namespace:
        """Return the options.

        Raises:
            UserError: with all problems of the command line.
        """
        namespace, problems = self.parse_all(argv)
        if problems:
            raise UserError(problems, "command")
        return namespace

    def split(self, argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        """Return the options of this parser and the other words, which are overrides and flags of Hydra.

        Raises:
            UserError: an option has no value.
        """
        return self.parse_known_args(list(argv))

    def _unknown_options(self, words: Sequence[str]) -> Iterator[Problem]:
        """Yield a problem for each unknown option; other words are taken to be its value."""
        for word in words:
            if word.startswith("-"):
                remedy = did_you_mean(word.partition("=")[0], list(self.flags))
                yield Problem(word, f"no such option of {self.subcommand}", remedy)


def add_paths(parser: OptionParser, metavar: str, text: str) -> None:
    parser.add_argument("paths", nargs="*", metavar=metavar, help=text)


def add_tolerance(parser: OptionParser) -> None:
    parser.add_argument(
        "--tolerance",
        type=_distance,
        default=DEFAULT_TOLERANCE,
        metavar="NUMBER",
        help=f"the largest absolute difference that counts as near; {DEFAULT_TOLERANCE:g} by default",
    )


def add_only(parser: OptionParser) -> None:
    parser.add_argument(
        "--only",
        type=comma_list,
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="a part of the study, such as encoder=bert_tiny, arm=full or seed=1; may be repeated",
    )


def pairs(values: Sequence[str]) -> dict[str, list[str]]:
    """Return key -> values of the items of `freezing=frozen,full`: an item without a key belongs to the key before."""
    by_key: dict[str, list[str]] = {}
    key = ""
    for value in values:
        if "=" in value:
            key, _, value = value.partition("=")
        by_key.setdefault(key, []).append(value)
    by_key.pop("", None)  # `keyless` reports it as a problem
    return by_key


def keyless(flag: str, values: Sequence[str]) -> Iterator[Problem]:
    """Yield a problem if the first of the values of a KEY=VALUE option has no key."""
    if values and "=" not in values[0]:
        yield Problem(flag, f"'{values[0]}' names no key", f"give {flag} KEY=VALUE, such as freezing=frozen")


def no_paths(subcommand: str, paths: Sequence[str]) -> Iterator[Problem]:
    if not paths:
        yield Problem(subcommand, "names no folder", f"give frostline {subcommand} PATH")


def unknown(flag: str, noun: str, names: Iterable[str], known: Sequence[str]) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(flag, f"no {noun} is called {name}", did_you_mean(name, known))


def unwritable(flag: str, target: str, folder: bool) -> Iterator[Problem]:
    """Yield why the target, a file or a folder, cannot be written. Missing parent folders are no problem."""
    path = Path(target)
    if folder and path.exists() and not path.is_dir():
        yield Problem(flag, f"{target} is a file", "give a folder")
    if not folder and path.is_dir():
        yield Problem(flag, f"{target} is a folder", f"give a file, such as {path / 'report.html'}")
    if file := next((parent for parent in path.parents if parent.exists() and not parent.is_dir()), None):
        yield Problem(flag, f"{target} would be inside {file}, which is a file", "give another path")


def comma_list(text: str) -> list[str]:
    """Split at the commas outside of brackets: a value may be a list such as [vader_nyt,vader_tweets]."""
    items, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            items.append("")
        else:
            items[-1] += letter
    items = [item for item in items if item]
    if not items:
        raise argparse.ArgumentTypeError("expected one argument")
    return items


def non_empty(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected one argument")
    return text


def _distance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not value >= 0:
        what = f"'{text}' is no distance; give a number of at least 0, such as {DEFAULT_TOLERANCE}"
        raise argparse.ArgumentTypeError(what)
    return value


def _without(flag: str, words: Sequence[str]) -> list[str]:
    """Remove the first use of an option, and its value where that is the next word."""
    at = next(i for i, word in enumerate(words) if word.partition("=")[0] == flag)
    has_value = words[at] == flag and at + 1 < len(words) and not words[at + 1].startswith("--")
    return [*words[:at], *words[at + 1 + has_value :]]


def _problem(key: str, what: str, remedy: str) -> UserError:
    return UserError(Problem(key, what, remedy), "command")
