"""Entries of the store made by hand, as runs make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from frostline.cache.arrays import StatesWriter
from frostline.cache.entry import Entry

KEY = "0123456789abcdef"
Dtype = Literal["float32", "float16"]
States = Sequence[Tensor] | Mapping[int, Tensor]


def texts_of(lengths: Sequence[int], width: int, seed: int = 0) -> list[Tensor]:
    """Random states (n, width) of each text."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(length, width, generator=generator) for length in lengths]


class Share:
    """What one process writes: batches of rows, but for those that it finds written."""

    def __init__(
        self,
        work: Path,
        states: States,
        batches: Sequence[Sequence[int]],
        share: str = "0of1",
        dtype: Dtype = "float32",
    ) -> None:
        self.states, self.batches, self.writer = states, batches, StatesWriter(work, share, dtype)

    def write(self) -> dict[str, int]:
        for rows in self.batches[self.writer.batches :]:
            parts = [self.states[row] for row in rows]
            self.writer.append(np.array(rows), np.array([len(part) for part in parts]), torch.cat(parts))
        return self.writer.close()


def fill(
    entry: Entry,
    states: States,
    batches: Sequence[Sequence[int]],
    shares: int = 1,
    dtype: Dtype = "float32",
    **about: Any,
) -> Entry:
    """Each share has every `shares`-th batch."""
    with entry.lock_for_writing():
        files = {}
        for number in range(shares):
            share = Share(entry.partial_path, states, batches[number::shares], f"{number}of{shares}", dtype)
            files |= share.write()
        told = {"encoder": "tiny", "split": "train", "line": "after 1 layers", "texts": len(states), **about}
        width = next((part.shape[1] for part in states), 0) if isinstance(states, Sequence) else 0
        entry.commit({**told, "width": width, "dtype": dtype, "files": files})
    return entry


def small(folder: Path, key: str = KEY, texts: int = 3, **about: Any) -> Entry:
    """An entry of `texts` texts with a row of 4 numbers each."""
    return fill(Entry(folder, key), texts_of([1] * texts, 4), [[row] for row in range(texts)], **about)
