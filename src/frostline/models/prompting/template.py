"""Texts put into words of a template, and classes put into words: what can be said of both without a tokenizer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frostline.errors import Problem, UserError, did_you_mean

FIELD = re.compile(r"\{(\w*)\}")
Words = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Template:
    """What stands before the text and after it; of the fields only {mask} may be left in either."""

    before: str
    after: str

    @classmethod
    def of(cls, written: str, fields: Sequence[str]) -> Template:
        """Raises UserError: the template has not each of `fields` just once, or has others."""
        if problems := list(template_problems(written, fields)):
            raise UserError(problems)
        before, after = written.split("{text}")
        return cls(before, after)

    @property
    def mask_is_last(self) -> bool:
        """Whether {mask} stands after the text; a text may hold a mask of its own."""
        return "{mask}" in self.after

    @property
    def open(self) -> bool:
        """Whether the model is to go on at its end."""
        return "{mask}" not in self.before + self.after

    @property
    def space(self) -> str:
        """What stands between a word in the place of {mask} and what is before it."""
        ahead = (self.before + self.after).partition("{mask}")[0]
        return " " if ahead.endswith(" ") else ""

    def filled(self, text: str, mask: str = "") -> str:
        before, after = (part.replace("{mask}", mask) for part in (self.before, self.after))
        return f"{before}{text}{after}"


def template_problems(written: str, fields: Sequence[str], key: str = "head.template") -> Iterator[Problem]:
    """Each of the fields must stand in the template just once."""
    found = Counter(FIELD.findall(written))
    where = {"text": "where the text belongs", "mask": "where the model is to tell a word"}
    for name in fields:
        if found[name] == 0:
            yield Problem(key, f"{written!r} has no {{{name}}}", f"put {{{name}}} {where[name]}")
        elif found[name] > 1:
            yield Problem(key, f"{written!r} has {{{name}}} {found[name]} times", "leave one of them")
    for name in found.keys() - set(fields):
        known = " and ".join(f"{{{field}}}" for field in fields)
        yield Problem(key, f"{written!r} has {{{name}}}, which this head cannot fill", f"it fills {known}")
    if "mask" not in fields and written != written.rstrip():
        yield Problem(key, f"{written!r} ends in white space", "leave it out: a space is put before each class's words")


def word_problems(words: Words | None, key: str = "head.words") -> Iterator[Problem]:
    """Of words that are given: every class has some, and none is another's too."""
    owner: dict[str, str] = {}
    for name, given in (words or {}).items():
        own = [given] if isinstance(given, str) else given
        if not own or not isinstance(own, list | tuple) or not all(isinstance(w, str) and w.strip() for w in own):
            yield Problem(
                f"{key}.{name}",
                f"{'null' if given is None else repr(given)} are no words",
                "give a word, or a list of words",
            )
            continue
        for word in own:
            if owner.setdefault(word, str(name)) != str(name):
                what = f"'{word}' is a word of '{owner[word]}' too"
                yield Problem(f"{key}.{name}", what, "give each class words of its own")


def words_of(words: Words | None, names: Sequence[str]) -> list[list[str]]:
    """The words of each class in the order of the classes; without any given, the classes' own names.

    Raises:
        UserError: a class without words, or words without a class.
    """
    if words is None:
        return [[name] for name in names]
    given: dict[str, Any] = {str(name): [own] if isinstance(own, str) else list(own) for name, own in words.items()}
    problems = list(word_problems(words))
    for name in given.keys() - set(names):
        what = f"there is no class '{name}'"
        problems.append(Problem(f"head.words.{name}", what, did_you_mean(name, list(names))))
    for name in names:
        if name not in given:
            problems.append(Problem("head.words", f"the class '{name}' has no words", f"give head.words.{name}=..."))
    if problems:
        raise UserError(problems)
    return [given[name] for name in names]
