"""frostline report PATH… [--rows KEY,…] [--cols KEY,…] [--metric NAME,…]: a table of the runs below any folders.

KEY is a config key such as optimizer.lr, or a group such as freezing (the rows, without another); NAME a metric of
result.json such as test/accuracy (without another test/f1_macro), cost/seconds or parameters/total.

  --where KEY=VALUE,…     only such runs; may be given again
  --baseline KEY=VALUE,…  differences to that row, paired by seed and split, tested and Holm-corrected
  --per-seed              a row for each seed
  --texts                 compare with the baseline text by text too, from predictions.parquet: McNemar's test
  --format FORM           markdown, latex, csv or json

Each cell has mean, standard deviation and 95% interval over its seeds. What is missing among the runs, or does not
belong, is named under the table: absent seeds, failed runs, other commits or texts, keys that are not shown.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from frostline.errors import Problem, did_you_mean

FORMS = {
    "markdown": "markdown.markdown",
    "latex": "latex.latex",
    "csv": "flat.as_csv",
    "json": "flat.as_json",
}
FLAGS = {
    "--rows": "KEY",
    "--cols": "KEY",
    "--metric": "NAME",
    "--where": "KEY=VALUE",
    "--baseline": "KEY=VALUE",
    "--format": "FORM",
}
PER_SEED, TEXTS = "--per-seed", "--texts"  # which take no value


def main(argv: list[str]) -> int:
    """Raises UserError, with all that cannot be answered at once."""
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    from frostline.report.answer import answer
    from frostline.report.question import Question

    words = read(word for word in argv if word != "--debug")
    told = {"rows": words.given["--rows"], "metrics": words.given["--metric"]}
    asked = Question(
        **{name: values for name, values in told.items() if values},  # what is not told is as usual
        cols=words.given["--cols"],
        where=words.pairs("--where"),
        baseline={key: values[0] for key, values in words.pairs("--baseline").items()},
        per_seed=PER_SEED in words.switches,
        texts=TEXTS in words.switches,
    )
    made = answer(words.paths, asked, words.problems).table
    sys.stdout.write(_form(words.form)(made))
    if words.form == "csv":  # which has no place for them
        for doubt in made.warnings:
            print(f"warning: {doubt.told()}", file=sys.stderr)
    return 0


def _form(name: str) -> Callable[[Any], str]:
    module, _, function = FORMS[name].partition(".")
    found: Callable[[Any], str] = getattr(importlib.import_module(f"frostline.report.render.{module}"), function)
    return found


@dataclass
class Words:
    """What was typed. given: the values of each flag, in order; problems: what cannot be understood."""

    paths: list[str] = field(default_factory=list)
    given: dict[str, list[str]] = field(default_factory=lambda: {flag: [] for flag in FLAGS})
    switches: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @property
    def form(self) -> str:
        return self.given["--format"][-1] if self.given["--format"] else "markdown"

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


def read(typed: Iterable[str]) -> Words:
    """Words as they are typed, `--flag value` or `--flag=value`; nothing is refused before all are read."""
    words, left = Words(), list(typed)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word in (PER_SEED, TEXTS):
            words.switches.add(word)
        elif name in FLAGS:
            follows = bool(left) and not left[0].startswith("--")
            _take(words, name, value if equals else left.pop(0) if follows else "")
        elif word.startswith("-"):
            words.problems.append(
                Problem(word, "report takes no such flag", did_you_mean(name, [*FLAGS, PER_SEED, TEXTS]))
            )
        else:
            words.paths.append(word)
    words.problems += _wrong(words)
    return words


def _take(words: Words, flag: str, value: str) -> None:
    if not value:
        words.problems.append(Problem(flag, "has no value", f"give {flag} {FLAGS[flag]}"))
    words.given[flag] += _parts(value)


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


def _wrong(words: Words) -> Iterator[Problem]:
    if not words.paths:
        yield Problem("report", "says no folder", "give frostline report PATH, such as runs")
    if words.form not in FORMS:
        yield Problem("--format", f"no form is called {words.form}", did_you_mean(words.form, list(FORMS)))
    for flag in ("--where", "--baseline"):
        for value in words.given[flag][:1]:
            if "=" not in value:
                yield Problem(flag, f"'{value}' names no key", f"give {flag} KEY=VALUE, such as freezing=frozen")
