"""Token ids of texts, stored without padding, and batches padded to their longest text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from frostline.console import Progress
from frostline.data.batches import Indices
from frostline.data.corpus import Split, Text
from frostline.data.token_counts import TextCounts, TokenizedTexts, where
from frostline.errors import user_error

CHUNK = 1000
Tokenize = Callable[[Sequence[Text], int], list[list[int]] | TokenizedTexts]


@dataclass(frozen=True)
class Tokens:
    """The token ids of N texts end to end, the start of each text (N + 1,), and the labels.

    source: a digest of the texts and of the maximal length. counts: what tokenization did to the texts; None if the
    tokenizer does not report it.
    """

    ids: Tensor
    starts: Tensor
    labels: Tensor
    pad_id: int
    source: str = ""
    counts: TextCounts | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> list[int]:
        """Return the number of tokens of each text."""
        lengths: list[int] = self.starts.diff().tolist()
        return lengths

    def padded(self, rows: Indices) -> tuple[Tensor, Tensor]:
        """Return ids (B, T) and mask (B, T) of some texts, padded to the longest of them."""
        texts = [self.ids[self.starts[row] : self.starts[row + 1]] for row in rows.tolist()]
        ids = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=self.pad_id)
        sizes = torch.tensor([len(text) for text in texts])
        mask = (torch.arange(ids.shape[1]) < sizes[:, None]).long()
        return ids.long(), mask


def tokenize_split(
    split: Split, tokenize: Tokenize, max_length: int, pad_id: int, what: str, progress: bool = True
) -> Tokens:
    """Tokenise a split, and show the progress unless it is part of a longer task.

    Raises:
        UserError: a text has no token, not even a special one.
    """
    texts: list[list[int]] = []
    counted: list[TokenizedTexts] = []
    with Progress(f"tokenising {what}", len(split), shown=progress) as bar:
        for start in range(0, len(split), CHUNK):
            chunk = split.texts[start : start + CHUNK]
            tokenized = tokenize(chunk, max_length)
            if isinstance(tokenized, TokenizedTexts):
                counted.append(tokenized)
                tokenized = tokenized.ids
            texts += tokenized
            bar.update(len(chunk))
    _check_not_empty(texts, split, what)
    starts = np.cumsum([0, *(len(text) for text in texts)])
    flat = np.fromiter((i for text in texts for i in text), dtype=np.int32, count=int(starts[-1]))
    counts = TextCounts.concatenate(counted) if counted else None
    content = [max_length, split.texts]
    if counts is not None and counts.special.any():
        content.append("special tokens are read as characters")  # earlier caches have other tokens of these texts
    source = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    labels = torch.tensor(split.labels)
    return Tokens(torch.from_numpy(flat), torch.from_numpy(starts), labels, pad_id, source, counts)


def _check_not_empty(texts: Sequence[Sequence[int]], split: Split, name: str) -> None:
    if empty := [index for index, ids in enumerate(texts) if not ids]:
        first = where(empty[0], name, {name: split.origins})
        what = f"{len(empty)} of {len(texts)} texts of {name} have no tokens (the first of them is {first})"
        raise user_error("dataset", what, "remove them: the tokenizer knows none of their characters")
