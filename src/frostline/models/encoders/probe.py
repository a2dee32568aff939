"""A test of a loaded encoder on two short texts: the states of a text must not depend on the texts beside it.

Both texts are read alone, and together in one batch, in which the shorter one is padded. A family that mixes padding
into its states (FNet) gives a text another embedding in every batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

TEXTS = ("a short text", "another text, which has more words than the first one and needs no padding beside it")
MAX_TOKENS = 24
TOLERANCE = 1e-4  # of the norm of a token's state; rounding differs by some 1e-6 between batches, also in deep models


def padding_problem(encoder: Any, max_tokens: int | None = None) -> str | None:
    """Return why the embeddings of this encoder cannot be trusted, or None if padding changes no state.

    The largest difference of a token's state (D,), alone and in the batch, is compared with the state's norm.

    Args:
        max_tokens: how many tokens the encoder can read.
    """
    training, name = encoder.training, type(encoder.model).__name__
    encoder.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            return _difference_problem(encoder, name, max_tokens)
    except Exception as error:  # whatever the code of a family raises
        return f"{name} cannot read a batch of two short texts ({' '.join(str(error).split())[:160]})"
    finally:
        encoder.train(training)


def _difference_problem(encoder: Any, name: str, max_tokens: int | None) -> str | None:
    texts = short_and_long(encoder, max_tokens)
    alone = [encoder(text[None], torch.ones_like(text)[None])[0] for text in texts]
    for text, states in zip(texts, alone, strict=True):
        if len(states) != len(text):
            return f"{name} returns {len(states)} states for a text of {len(text)} tokens"
        if not bool(states.isfinite().all()):
            return f"{name} returns states that are not finite"
    ids, mask = pad_texts(texts, encoder.pad_id)
    together = [row[: len(text)] for row, text in zip(encoder(ids, mask), texts, strict=True)]
    difference = max(map(_relative_difference, together, alone))
    if difference <= TOLERANCE:
        return None
    again = encoder(texts[0][None], torch.ones_like(texts[0])[None])[0]
    if _relative_difference(again, alone[0]) > TOLERANCE:
        return f"{name} returns other states each time that it reads the same text"
    share = f"{difference:.1g} of their norm"
    return f"{name} does not ignore padding: the states of a text change with the other texts in its batch, by {share}"


def short_and_long(encoder: Any, max_tokens: int | None) -> list[Tensor]:
    """Return the token ids of two texts of different lengths (T,), the shorter one first.

    max_tokens: how many tokens the encoder can read.
    """
    limit = min(max_tokens or MAX_TOKENS, MAX_TOKENS)
    short, long = encoder.tokenize(TEXTS, limit)
    if not len(short) < len(long):  # a tokenizer without these words
        long = [3, 2, 1, 2, 3, 2, 1][:limit]
        short = long[: len(long) // 2 + 1]
    return [torch.tensor(short), torch.tensor(long)]


def pad_texts(texts: Sequence[Tensor], pad_id: int) -> tuple[Tensor, Tensor]:
    """Return the token ids (B, T) and the attention mask (B, T) of a batch of texts, each given as token ids (T,)."""
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(text) for text in texts], batch_first=True)
    return torch.nn.utils.rnn.pad_sequence(list(texts), batch_first=True, padding_value=pad_id), mask


def _relative_difference(states: Tensor, expected: Tensor) -> float:
    """Return the largest norm of the difference of states (T, D), relative to that of the expected state."""
    norms = expected.norm(dim=1).clamp_min(torch.finfo(expected.dtype).tiny)
    return float(((states - expected).norm(dim=1) / norms).nan_to_num(nan=torch.inf).max())
