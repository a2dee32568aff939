"""The Free On-line Dictionary of Computing: which subjects does a definition belong to? Some have several."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

from frostline.data.corpus import Labelled, RawData
from frostline.data.downloads.package_cache import Deb, folder, is_cached
from frostline.data.labels import counts

PIN = Deb(
    package="dict-foldoc",
    version="20230119-1",
    file="dict-foldoc_20230119-1_all.deb",
    sha256="745cbedb55c2da609cc88ee0284e9d11a67a11ae3709daf7bad0e895ac3294c3",
    bytes=2408824,
)
INSIDE = "usr/share/dictd"
KEEP = ("foldoc.dict.dz",)
ENTRY = re.compile(r"\n(?=\S)")  # headwords stand at the margin, definitions are indented
TAGS = re.compile(r"(?:^|\n)\s+(?:\d+\.\s+)?<([a-z][a-z ,/-]*)>")  # <hardware, storage> before a sense
DATE = re.compile(r"\(\d{4}-\d{2}-\d{2}\)\s*$")
ENOUGH = 100  # entries of a subject; rarer subjects are left out
WORDS = 10  # of a definition; shorter ones point to another entry


class Foldoc:
    """Howe 1985-2023: a definition without its tags, labelled with the subjects of its senses."""

    multi_label = True

    def downloads(self) -> list[str]:
        return [] if is_cached(PIN, INSIDE, keep=KEEP) else [PIN.describe()]

    def load(self) -> RawData:
        file = folder(PIN, INSIDE, keep=KEEP) / "foldoc.dict.dz"  # dictzip is gzip with an index
        entries = list(_entries(gzip.decompress(file.read_bytes()).decode("utf-8")))
        kept = {subject for subject, count in counts(tags for _, tags in entries).items() if count >= ENOUGH}
        rows = [(text, tuple(name for name in tags if name in kept)) for text, tags in entries]
        texts, labels = zip(*((text, own) for text, own in rows if own), strict=True)
        return RawData(Labelled(texts, labels))


def _entries(content: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each definition with its subjects, sorted."""
    for entry in ENTRY.split(content):
        definition = "\n" + entry.partition("\n\n")[2]
        found = {tag.strip() for tags in TAGS.findall(definition) for tag in tags.split(",")}
        text = DATE.sub("", " ".join(TAGS.sub("\n", definition).replace("{", "").replace("}", "").split())).strip()
        if found and len(text.split()) >= WORDS:
            yield text, tuple(sorted(found))
