"""What a tokenizer of transformers leaves out of texts, and whether its tokens are those of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frostline.data.corpus import Text
from frostline.errors import user_error


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


def check_segments(ids: Sequence[Sequence[int]], token_types: Sequence[Sequence[int]], separator: int) -> None:
    """Check that the first text of each pair ends with the first separator, as the tokenizer has assigned the tokens.

    Raises:
        UserError: the tokenizer assigns them otherwise, so that the encoder would read pairs wrongly.
    """
    for row, types in zip(ids, token_types, strict=True):
        first = row.index(separator) + 1 if separator in row else len(row)
        if types != [0] * first + [1] * (len(row) - first):
            what = "its tokenizer does not separate the two texts of a pair by the separator token alone"
            raise user_error("encoder", what, "name one text column, or choose another encoder")
