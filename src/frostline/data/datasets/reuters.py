"""Reuters-21578 newswire of 1987, the stories with one topic: a few frequent classes and many rare ones."""

from __future__ import annotations

from typing import Literal

from frostline.data.corpus import RawData
from frostline.data.datasets import orange3


class Reuters:
    """Lewis 1997 in the ModApte split, r8 or r52 by the number of topics; in lower case, without punctuation."""

    multi_label = False

    def __init__(self, topics: Literal["r8", "r52"]) -> None:
        self.topics = topics

    def downloads(self) -> list[str]:
        return orange3.downloads()

    def load(self) -> RawData:
        return orange3.load(f"reuters-{self.topics}")
