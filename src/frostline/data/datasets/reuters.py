"""Reuters-21578: newswire stories of 1987 with one topic; a few classes are frequent and many are rare."""

from __future__ import annotations

from typing import Literal

from frostline.data.corpus import RawData
from frostline.data.datasets import orange3


class Reuters:
    """Load the stories of Lewis 1997 in the ModApte split, in lower case and without punctuation.

    topics: r8 or r52, for 8 or 52 topics.
    """

    multi_label = False

    def __init__(self, topics: Literal["r8", "r52"]) -> None:
        self.topics = topics

    def downloads(self) -> list[str]:
        return orange3.downloads()

    def load(self) -> RawData:
        return orange3.load(f"reuters-{self.topics}")
