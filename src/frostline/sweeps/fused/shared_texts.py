"""The texts of several data sets from one source, each encoded once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from frostline.cache.frozen_states import FrozenStates
from frostline.data.build import load_shifts, prepare_corpus, source_of
from frostline.data.corpus import Corpus, Shift, Split, Text
from frostline.data.token_counts import TextCounts
from frostline.data.tokens import Tokens, tokenize_split
from frostline.instantiate import make
from frostline.sweeps.fused.member import SplitEmbeddings
from frostline.training.build import Built
from frostline.types import Config


@dataclass(frozen=True)
class EncodedDataset:
    """The data of a run: its texts, the rows of their embeddings for each split, and what tokenization did to them."""

    corpus: Corpus
    shifts: dict[str, Shift]
    splits: dict[str, SplitEmbeddings]
    counts: dict[str, TextCounts]


class SharedTexts:
    """Embeddings (U, D) of all U texts that runs have used so far, in order of first use, on the encoder's device.

    built: the run that provides the encoder, with its texts tokenised. below: the frozen states of its encoder.
    """

    def __init__(self, below: FrozenStates, built: Built, dataset: Config) -> None:
        self.encoder: Any = built.model.encoder  # typed by its role alone, which has no `pad_id`
        self.tokenize = built.model.tokenize
        self.below, self.max_length = below, dataset["max_length"]
        self.device = below.runtime.device
        self.row_of: dict[Text, int] = {}
        self.lengths: list[int] = []
        self.counts: list[TextCounts] = []
        self.chunks: list[Tensor] = []
        self.raw: Any = None
        self.datasets = {_dataset_key(dataset): self._encode_all(built.corpus, built.shifts, built.tokens)}

    @property
    def embeddings(self) -> Tensor:
        if len(self.chunks) > 1:
            self.chunks = [torch.cat(self.chunks)]
        return self.chunks[0]

    def encode_dataset(self, dataset: Config) -> EncodedDataset:
        """Return the data of a config. Texts without an embedding are encoded."""
        if (key := _dataset_key(dataset)) not in self.datasets:
            self.raw = self.raw or make(source_of(dataset)).load()
            corpus = prepare_corpus(self.raw, dataset)
            self.datasets[key] = self._encode_all(corpus, load_shifts(dataset, corpus), {})
        return self.datasets[key]

    def _encode_all(self, corpus: Corpus, shifts: dict[str, Shift], tokens: Mapping[str, Tokens]) -> EncodedDataset:
        splits = {"train": corpus.train, "val": corpus.val, "test": corpus.test}
        splits |= {name: shift.split for name, shift in shifts.items()}
        encoded = {name: self._encode_split(name, split, tokens.get(name)) for name, split in splits.items()}
        return EncodedDataset(corpus, shifts, encoded, self._count_tokens(splits))

    def _count_tokens(self, splits: Mapping[str, Split]) -> dict[str, TextCounts]:
        """Return the counts of each split; empty if the tokenizer does not report them."""
        if not self.counts:
            return {}
        self.counts = [TextCounts.concatenate(self.counts)]
        (counts,) = self.counts
        return {name: counts.take([self.row_of[text] for text in split.texts]) for name, split in splits.items()}

    def _encode_split(self, name: str, split: Split, tokens: Tokens | None) -> SplitEmbeddings:
        """Return a split after encoding its new texts, under the split's name where these are all of its texts."""
        new = list(dict.fromkeys(text for text in split.texts if text not in self.row_of))
        if new and (tokens is None or len(new) < len(split)):
            name, pad_id = f"{name} {len(self.lengths)}", self.encoder.pad_id  # FrozenStates knows splits by name
            tokens = tokenize_split(Split(new, [0] * len(new)), self.tokenize, self.max_length, pad_id, name)
        if new:
            assert tokens is not None
            first = len(self.lengths)
            self.row_of |= {text: first + i for i, text in enumerate(new)}
            self.lengths += tokens.lengths
            self.counts += [] if tokens.counts is None else [tokens.counts]
            self.chunks = [*self.chunks, self.below.pooled_vectors(name, tokens).float().to(self.device)]
        rows = [self.row_of[text] for text in split.texts]
        row_tensor, labels = (torch.tensor(values, device=self.device) for values in (rows, split.labels))
        return SplitEmbeddings(row_tensor, labels, [self.lengths[row] for row in rows])


def _dataset_key(dataset: Config) -> str:
    return json.dumps(dataset, sort_keys=True, default=str)
