"""20 Newsgroups, the split by date, without headers: long texts, twenty even classes."""

from __future__ import annotations

from frostline.data.corpus import RawData
from frostline.data.datasets import orange3


class Newsgroups:
    """Lang 1995, as it was split for publication: the test messages are later than the training messages."""

    multi_label = False

    def downloads(self) -> list[str]:
        return orange3.downloads()

    def load(self) -> RawData:
        return orange3.load("20newsgroups")
