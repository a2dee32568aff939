"""What a tokenizer does with texts: special tokens, truncation, token types, and ids that the model does not know."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from frostline.data.corpus import Text
from frostline.errors import user_error


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


def count_cut_tokens(
    tokenizer: Any, texts: Sequence[Text], encoded: Any, max_length: int, options: Mapping[str, Any]
) -> list[int]:
    """Return how many tokens of each text are missing in `encoded`, which is truncated to `max_length`.

    A fast tokenizer has what it cut from single texts; texts of other tokenizers and pairs, whose pieces it combines,
    are tokenized again as a whole.
    """
    ids = encoded["input_ids"]
    cut, full = [0] * len(ids), [index for index, row in enumerate(ids) if len(row) >= max_length]
    if encoded.encodings is not None and all(isinstance(texts[index], str) for index in full):
        special = tokenizer.num_special_tokens_to_add()
        for index in full:
            cut[index] = sum(len(piece) - special for piece in encoded.encodings[index].overflowing)
    elif full:
        uncut = tokenizer([texts[index] for index in full], verbose=False, **options)["input_ids"]
        for index, row in zip(full, uncut, strict=True):
            cut[index] = len(row) - len(ids[index])
    return cut


def check_ids(ids: Sequence[Sequence[int]], tokenizer: Any, num_embeddings: int | None) -> None:
    """Check that the model has an embedding of each token.

    Raises:
        UserError: it has not, because the tokenizer belongs to another model or has added tokens.
    """
    highest = max(map(max, filter(None, ids)), default=0)
    if num_embeddings is not None and highest >= num_embeddings:
        token = tokenizer.convert_ids_to_tokens(highest)
        what = f"the tokenizer has {len(tokenizer):,} tokens and the model embeddings of {num_embeddings:,}: "
        what += f"{token!r}, which occurs in the texts, has the id {highest:,}"
        raise user_error("encoder.name", what, "give a folder with the tokenizer with which the model was pre-trained")


def check_segments(
    ids: Sequence[Sequence[int]], token_types: Sequence[Sequence[int]], separator: int, special_types: Mapping[int, int]
) -> None:
    """Check that the first text of each pair ends with the first separator, as the tokenizer has assigned the tokens.

    special_types: the types of special tokens, such as 2 for the <cls> of XLNet, wherever they are.

    Raises:
        UserError: the tokenizer assigns them otherwise, so that the encoder would read pairs wrongly.
    """
    for row, types in zip(ids, token_types, strict=True):
        first = row.index(separator) + 1 if separator in row else len(row)
        segments = [0] * first + [1] * (len(row) - first)
        if list(types) != [special_types.get(token, kind) for token, kind in zip(row, segments, strict=True)]:
            what = "its tokenizer does not separate the two texts of a pair by the separator token alone"
            raise user_error("encoder", what, "name one text column, or choose another encoder")


def token_types(
    input_ids: Tensor, attention_mask: Tensor, separator: int | None, special_types: Mapping[int, int]
) -> Tensor:
    """Return the token types (B, T) of input_ids (B, T) under attention_mask (B, T).

    separator: the token before the second text of a pair; None for single texts. special_types: the types of special
    tokens, such as 2 for the <cls> of XLNet.
    """
    types = torch.zeros_like(input_ids) if separator is None else _segment_ids(input_ids, attention_mask, separator)
    for token, kind in special_types.items():
        types = types.masked_fill(input_ids == token, kind)
    return types


def _segment_ids(input_ids: Tensor, attention_mask: Tensor, separator: int) -> Tensor:
    """Return segment ids (B, T): 0 up to and including the first separator, 1 for the second text of a pair."""
    ends = torch.eq(input_ids, separator).long()
    return (ends.cumsum(dim=1) - ends).clamp(max=1) * attention_mask


def segment_separator(config: Any, tokenizer: Any, has_types: bool) -> int | None:
    """Return the token before a second segment if the family (as BERT) was trained with two segments, else None."""
    input_names = getattr(tokenizer, "model_input_names", ())
    has_segments = has_types or getattr(config, "type_vocab_size", 0) > 1
    return tokenizer.sep_token_id if has_segments and "token_type_ids" in input_names else None


def special_token_types(tokenizer: Any) -> dict[int, int]:
    """Return the special tokens to which the tokenizer gives a type other than 0 in a single text, with the types."""
    if "token_type_ids" not in getattr(tokenizer, "model_input_names", ()):
        return {}
    encoded = tokenizer("a")
    pairs = zip(encoded["input_ids"], encoded["token_type_ids"], strict=True)
    return {token: kind for token, kind in pairs if kind and token in tokenizer.all_special_ids}


def tokenizer_digest(tokenizer: Any) -> str:
    """Return a digest of everything that determines the token ids of a text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:  # a tokenizer in Python
        description = repr([tokenizer, sorted(getattr(tokenizer, "get_vocab", dict)().items())])
    else:
        backend.no_truncation()  # remove the setting of the last call; the next one sets it again
        description = backend.to_str()
    return hashlib.sha256(description.encode()).hexdigest()
