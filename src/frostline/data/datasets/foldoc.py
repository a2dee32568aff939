"""The Free On-line Dictionary of Computing: definitions, labelled with one or several subjects."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

from frostline.data.corpus import Labelled, RawData, counts
from frostline.data.downloads.package_cache import Deb, folder, is_cached

PIN = Deb(
    package="dict-foldoc",
    version="20230119-1",
    file="dict-foldoc_20230119-1_all.deb",
    sha256="745cbedb55c2da609cc88ee0284e9d11a67a11ae3709daf7bad0e895ac3294c3",
    bytes=2408824,
)
INSIDE = "usr/share/dictd"
KEEP = ("foldoc.dict.dz",)
ENTRY = re.compile(r"\n(?=\S)")  # headwords are not indented, definitions are
TAGS = re.compile(r"(?:^|\n)\s+(?:\d+\.\s+)?<([a-z][a-z ,/-]*)>")  # <hardware, storage> before a sense
DATE = re.compile(r"\(\d{4}-\d{2}-\d{2}\)\s*$")
MIN_ENTRIES = 100  # of a subject; rarer subjects are left out
MIN_WORDS = 10  # of a definition; shorter ones refer to another entry


class Foldoc:
    """Load the definitions of Howe 1985-2023 without their tags, labelled with the subjects of their senses."""

    multi_label = True

    def downloads(self) -> list[str]:
        return [] if is_cached(PIN, INSIDE, keep=KEEP) else [PIN.describe()]

    def load(self) -> RawData:
        file = folder(PIN, INSIDE, keep=KEEP) / "foldoc.dict.dz"  # dictzip is gzip with an index
        entries = list(_entries(gzip.decompress(file.read_bytes()).decode("utf-8")))
        subject_counts = counts(subjects for _, subjects in entries)
        frequent = {subject for subject, count in subject_counts.items() if count >= MIN_ENTRIES}
        rows = [(text, tuple(name for name in subjects if name in frequent)) for text, subjects in entries]
        texts, labels = zip(*((text, subjects) for text, subjects in rows if subjects), strict=True)
        return RawData(Labelled(texts, labels))


def _entries(content: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each definition with its sorted subjects."""
    for entry in ENTRY.split(content):
        definition = "\n" + entry.partition("\n\n")[2]
        subjects = {tag.strip() for tags in TAGS.findall(definition) for tag in tags.split(",")}
        text = DATE.sub("", " ".join(TAGS.sub("\n", definition).replace("{", "").replace("}", "").split())).strip()
        if subjects and len(text.split()) >= MIN_WORDS:
            yield text, tuple(sorted(subjects))
