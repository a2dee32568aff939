"""The texts of several data sets that come from one source, each encoded once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from frostline.below import Below
from frostline.data.tokens import Tokens, read
from frostline.fused.pupil import Part
from frostline.types import Split, Text


class SharedTexts:
    """Vectors (U, D) of all texts that have been asked for, in the order in which they came."""

    def __init__(self, below: Below, encoder: Any, max_length: int) -> None:
        self.below, self.encoder, self.max_length = below, encoder, max_length
        self.known: dict[Text, int] = {}
        self.lengths: list[int] = []
        self.found: list[Tensor] = []
        self.more = 0

    @property
    def vectors(self) -> Tensor:
        if len(self.found) > 1:
            self.found = [torch.cat(self.found)]
        return self.found[0]

    def part(self, name: str, split: Split, tokens: Mapping[str, Tokens]) -> Part:
        """A split by its texts' places; tokens: those of whole splits that have been made already, by name."""
        new = dict.fromkeys(text for text in split.texts if text not in self.known)
        if len(new) == len(split) and name in tokens:
            self._add(name, list(new), tokens[name])
        elif new:
            self.more += 1
            texts = list(new)
            name = f"{name} {self.more}"
            read_now = read(
                Split(texts, [0] * len(texts)), self.encoder.tokenize, self.max_length, self.encoder.pad_id, name
            )
            self._add(name, texts, read_now)
        places = [self.known[text] for text in split.texts]
        return Part(torch.tensor(places), torch.tensor(split.labels), [self.lengths[place] for place in places])

    def _add(self, name: str, texts: list[Text], tokens: Tokens) -> None:
        first = len(self.lengths)
        self.known |= {text: first + i for i, text in enumerate(texts)}
        self.lengths += tokens.lengths
        self.found.append(self.below.vectors(name, tokens).float().cpu())
