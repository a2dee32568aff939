"""Overrides as they must be typed: a value in Hydra's grammar, quoted for the shell; and overrides given in Python."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

UNQUOTED = re.compile(r"[\w./+%@*-]+", re.ASCII)  # what Hydra and every shell take as it is
NAME = re.compile(r"[A-Za-z_/][\w./-]*", re.ASCII)  # what Hydra reads as a text, but for the words below
NOT_TEXTS = {"true", "false", "null", "nan", "inf"}
BEFORE_QUOTE = re.compile(r'(\\*)("|$)')

Overrides = str | Sequence[str] | Mapping[str, Any]


def override_text(key: str, value: str | Sequence[str]) -> str:
    """Return `key=value` as it is typed in a shell, so that Hydra reads the value as this text or list of texts."""
    text = hydra_text(value) if isinstance(value, str) else f"[{','.join(map(hydra_text, value))}]"
    return shlex.quote(f"{key}={text}")


def hydra_text(value: str) -> str:
    """Return a text in Hydra's grammar, in quotation marks unless it needs none."""
    return value if UNQUOTED.fullmatch(value) else _quoted(value)


def override_words(overrides: Overrides, values: Mapping[str, Any], sweep: bool = False) -> list[str]:
    """Return the words of the command line that overrides given in Python stand for.

    Args:
        overrides: a line as it is typed, a list of words, or a mapping of keys to values.
        values: further keys and values. A value is a text, a number, a bool, None, a path, a list, or a mapping, which
            sets several keys: {"optimizer": {"lr": 0.001}} is optimizer.lr=0.001.
        sweep: a list or tuple is the values of a sweep; a value that is a list is then a list in a list.
    """
    if isinstance(overrides, Mapping):
        return list(_assignments({**overrides, **values}, "", sweep))
    words = shlex.split(overrides) if isinstance(overrides, str) else [str(word) for word in overrides]
    return [*words, *_assignments(values, "", sweep)]


def _assignments(values: Mapping[str, Any], prefix: str, sweep: bool) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _assignments(value, f"{prefix}{key}.", sweep)
        elif sweep and isinstance(value, list | tuple | range):
            yield f"{prefix}{key}={','.join(map(value_text, value))}"
        else:
            yield f"{prefix}{key}={value_text(value)}"


def value_text(value: Any) -> str:
    """Return a value of Python in Hydra's grammar, which reads it as the same value: the text "007" is no number."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        return text if NAME.fullmatch(text) and text.lower() not in NOT_TEXTS else _quoted(str(text))
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{value_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple | range):
        return f"[{','.join(map(value_text, value))}]"
    return repr(value.item()) if hasattr(value, "item") else repr(value)  # a number of numpy is that of Python


def _quoted(value: str) -> str:
    return f'"{BEFORE_QUOTE.sub(_escaped, value)}"'


def _escaped(match: re.Match[str]) -> str:
    backslashes, quote = match[1] * 2, match[2]
    return f"{backslashes}\\{quote}" if quote else backslashes
