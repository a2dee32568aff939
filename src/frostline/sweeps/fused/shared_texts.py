"""The texts of several data sets that come from one source, each encoded once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from frostline.cache.frozen_states import FrozenStates
from frostline.data.build import load_shifts, prepared, source_of
from frostline.data.tokens import Tokens, read
from frostline.instantiate import make
from frostline.sweeps.fused.member import Part
from frostline.training.build import Built
from frostline.types import Config, Corpus, Shift, Split, Text


@dataclass(frozen=True)
class Data:
    """What a run reads: texts as they were loaded, and where their vectors are."""

    corpus: Corpus
    shifts: dict[str, Shift]
    parts: dict[str, Part]


class SharedTexts:
    """Vectors (U, D) of all texts that have been asked for, in the order in which they came, on the encoder's device.

    built: the run whose encoder is that of all, with its own texts tokenised.
    """

    def __init__(self, below: FrozenStates, built: Built, dataset: Config) -> None:
        self.encoder: Any = built.model.encoder  # known by its role alone: it tokenizes too
        self.below, self.max_length = below, dataset["max_length"]
        self.device = below.runtime.device
        self.known: dict[Text, int] = {}
        self.lengths: list[int] = []
        self.found: list[Tensor] = []
        self.raw: Any = None
        self.sets = {_key(dataset): self._placed(built.corpus, built.shifts, built.tokens)}

    @property
    def vectors(self) -> Tensor:
        if len(self.found) > 1:
            self.found = [torch.cat(self.found)]
        return self.found[0]

    def of(self, dataset: Config) -> Data:
        if (key := _key(dataset)) not in self.sets:
            self.raw = self.raw or make(source_of(dataset)).load()
            corpus = prepared(self.raw, dataset)
            self.sets[key] = self._placed(corpus, load_shifts(dataset, corpus), {})
        return self.sets[key]

    def _placed(self, corpus: Corpus, shifts: dict[str, Shift], tokens: Mapping[str, Tokens]) -> Data:
        splits = {"train": corpus.train, "val": corpus.val, "test": corpus.test}
        splits |= {name: shift.split for name, shift in shifts.items()}
        return Data(corpus, shifts, {name: self._part(name, split, tokens.get(name)) for name, split in splits.items()})

    def _part(self, name: str, split: Split, tokens: Tokens | None) -> Part:
        """A split by its texts' places; what is not known yet is encoded, under the split's name where that is all."""
        new = list(dict.fromkeys(text for text in split.texts if text not in self.known))
        if new and (tokens is None or len(new) < len(split)):
            name, encoder = f"{name} {len(self.lengths)}", self.encoder  # a name of its own: `below` goes by it
            tokens = read(Split(new, [0] * len(new)), encoder.tokenize, self.max_length, encoder.pad_id, name)
        if new:
            assert tokens is not None
            first = len(self.lengths)
            self.known |= {text: first + i for i, text in enumerate(new)}
            self.lengths += tokens.lengths
            self.found = [*self.found, self.below.vectors(name, tokens).float().to(self.device)]
        places = [self.known[text] for text in split.texts]
        where, labels = (torch.tensor(own, device=self.device) for own in (places, split.labels))
        return Part(where, labels, [self.lengths[place] for place in places])


def _key(dataset: Config) -> str:
    return json.dumps(dataset, sort_keys=True, default=str)
