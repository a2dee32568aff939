"""Special tokens of a tokenizer, such as [SEP] and </s>, as characters of a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from frostline.data.corpus import Text


class SpecialTokens:
    """Finds the special tokens of a tokenizer in texts. A text must not be able to end itself or begin a second one."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """A pattern that matches each special token, longer ones first; None if the tokenizer has none."""
        added = getattr(self.tokenizer, "added_tokens_decoder", {}).values()
        names = {*map(str, self.tokenizer.all_special_tokens), *(str(token) for token in added if token.special)}
        ordered = sorted(filter(None, names), key=lambda name: (-len(name), name))
        return re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def found_in(self, texts: Sequence[Text]) -> list[bool]:
        """Return whether each text contains a special token."""
        if self.pattern is None:
            return [False] * len(texts)
        search = self.pattern.search
        return [
            search(text) is not None if isinstance(text, str) else any(search(half) is not None for half in text)
            for text in texts
        ]

    def as_characters(self, text: str) -> str:
        """Return a text in which a space follows the first character of each special token, so that it is none."""
        return text if self.pattern is None else self.pattern.sub(lambda found: _apart(found.group()), text)


def _apart(token: str) -> str:
    return f"{token[0]} {token[1:]}" if len(token) > 1 else token
