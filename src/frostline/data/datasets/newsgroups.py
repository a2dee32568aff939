"""20 Newsgroups, split by date, without headers: long texts in twenty balanced classes."""

from __future__ import annotations

from frostline.data.corpus import RawData
from frostline.data.datasets import orange3


class Newsgroups:
    """Load the messages of Lang 1995 in the published split: test messages are later than training messages."""

    multi_label = False

    def downloads(self) -> list[str]:
        return orange3.downloads()

    def load(self) -> RawData:
        return orange3.load("20newsgroups")
