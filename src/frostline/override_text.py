"""Overrides as they must be typed: a value in Hydra's grammar, quoted for the shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

UNQUOTED = re.compile(r"[\w./+%@*-]+", re.ASCII)  # what Hydra and every shell take as it is
BEFORE_QUOTE = re.compile(r'(\\*)("|$)')


def override_text(key: str, value: str | Sequence[str]) -> str:
    """Return `key=value` as it is typed in a shell, so that Hydra reads the value as this text or list of texts."""
    text = hydra_text(value) if isinstance(value, str) else f"[{','.join(map(hydra_text, value))}]"
    return shlex.quote(f"{key}={text}")


def hydra_text(value: str) -> str:
    """Return a text in Hydra's grammar, in quotation marks unless it needs none."""
    return value if UNQUOTED.fullmatch(value) else f'"{BEFORE_QUOTE.sub(_escaped, value)}"'


def _escaped(match: re.Match[str]) -> str:
    backslashes, quote = match[1] * 2, match[2]
    return f"{backslashes}\\{quote}" if quote else backslashes
