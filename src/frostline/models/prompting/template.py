"""Prompt templates and verbalizer words, as far as they can be checked without a tokenizer."""

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
class PromptTemplate:
    """The parts of a template before and after the text; either may contain the field {mask}."""

    before: str
    after: str

    @classmethod
    def parse(cls, template: str, fields: Sequence[str]) -> PromptTemplate:
        """Split a template at {text}.

        Raises:
            UserError: the template does not contain each of `fields` exactly once, or contains other fields.
        """
        if problems := list(template_problems(template, fields)):
            raise UserError(problems)
        before, after = template.split("{text}")
        return cls(before, after)

    @property
    def mask_is_last(self) -> bool:
        """Return whether {mask} is after the text; a text may itself contain a mask token."""
        return "{mask}" in self.after

    @property
    def is_open_ended(self) -> bool:
        """Return whether the model continues the prompt instead of filling a mask."""
        return "{mask}" not in self.before + self.after

    @property
    def space(self) -> str:
        """Return the space between the word that replaces {mask} and the text before it, or an empty string."""
        prefix = (self.before + self.after).partition("{mask}")[0]
        return " " if prefix.endswith(" ") else ""

    def fill(self, text: str, mask: str = "") -> str:
        """Return the template with the text and the mask token inserted."""
        before, after = (part.replace("{mask}", mask) for part in (self.before, self.after))
        return f"{before}{text}{after}"


def template_problems(template: str, fields: Sequence[str], key: str = "head.template") -> Iterator[Problem]:
    """Yield a problem for each field that is not exactly once in the template, and for each other field."""
    counts = Counter(FIELD.findall(template))
    where = {"text": "where the text belongs", "mask": "where the model is to predict a word"}
    for name in fields:
        if counts[name] == 0:
            yield Problem(key, f"{template!r} has no {{{name}}}", f"put {{{name}}} {where[name]}")
        elif counts[name] > 1:
            yield Problem(key, f"{template!r} has {{{name}}} {counts[name]} times", "leave one of them")
    for name in counts.keys() - set(fields):
        known = " and ".join(f"{{{field}}}" for field in fields)
        yield Problem(key, f"{template!r} has {{{name}}}, which this head cannot fill", f"it fills {known}")
    if "mask" not in fields and template != template.rstrip():
        yield Problem(
            key, f"{template!r} ends in white space", "leave it out: a space is put before each class's words"
        )


def word_problems(words: Words | None, key: str = "head.words") -> Iterator[Problem]:
    """Yield a problem for each class without verbalizer words, and for each word of two classes."""
    owner: dict[str, str] = {}
    for name, entry in (words or {}).items():
        choices = [entry] if isinstance(entry, str) else entry
        is_list = isinstance(choices, list | tuple)
        if not choices or not is_list or not all(isinstance(w, str) and w.strip() for w in choices):
            yield Problem(
                f"{key}.{name}",
                f"{'null' if entry is None else repr(entry)} are no words",
                "give a word, or a list of words",
            )
            continue
        for word in choices:
            if owner.setdefault(word, str(name)) != str(name):
                what = f"'{word}' is a word of '{owner[word]}' too"
                yield Problem(f"{key}.{name}", what, "give each class different words")


def verbalizer_words(words: Words | None, names: Sequence[str]) -> list[list[str]]:
    """Return the verbalizer words of each class in the order of the classes; without `words` the class names.

    Raises:
        UserError: a class has no words, or there are words for an unknown class.
    """
    if words is None:
        return [[name] for name in names]
    by_class: dict[str, Any] = {str(name): [w] if isinstance(w, str) else list(w) for name, w in words.items()}
    problems = list(word_problems(words))
    for name in by_class.keys() - set(names):
        what = f"there is no class '{name}'"
        problems.append(Problem(f"head.words.{name}", what, did_you_mean(name, list(names))))
    for name in names:
        if name not in by_class:
            problems.append(Problem("head.words", f"the class '{name}' has no words", f"give head.words.{name}=..."))
    if problems:
        raise UserError(problems)
    return [by_class[name] for name in names]
