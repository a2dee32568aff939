"""WordNet: definitions, labelled with one of 45 semantic fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from frostline.data.corpus import Labelled, RawData
from frostline.data.downloads.package_cache import Deb, folder, is_cached

PIN = Deb(
    package="wordnet-base",
    version="1:3.0-37",
    file="wordnet-base_1%3a3.0-37_all.deb",
    sha256="61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
    bytes=6467132,
)
INSIDE = "usr/share/wordnet"
KEEP = ("data.*",)
# lexnames(5WN): the index in this list is the number of a lexicographer file
FIELDS = (  # noqa: SIM905  # a list would take 45 lines
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition "
    "noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person "
    "noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state "
    "noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition "
    "verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social "
    "verb.stative verb.weather adj.ppl"
).split()
EXAMPLE = re.compile(r"""[;:,]?\s*"[^"]*"?.*$""", re.DOTALL)  # examples follow a definition in quotes


class WordNet:
    """Load the definitions of WordNet 3.0 (Miller 1995) without examples, labelled with their lexicographer files."""

    multi_label = False

    def downloads(self) -> list[str]:
        return [] if is_cached(PIN, INSIDE, keep=KEEP) else [PIN.describe()]

    def load(self) -> RawData:
        files = sorted(folder(PIN, INSIDE, keep=KEEP).iterdir())
        texts, labels = zip(*(entry for file in files for entry in _entries(file)), strict=True)
        return RawData(Labelled(texts, labels))


def _entries(file: Path) -> Iterator[tuple[str, str]]:
    """Yield definition and label of each line.

    wndb(5WN): offset, number of the lexicographer file, ... | definition; licence lines begin with a space.
    """
    for line in file.read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith(" "):
            data, _, gloss = line.partition(" | ")
            yield EXAMPLE.sub("", gloss).strip() or gloss.strip(), FIELDS[int(data.split(" ", 2)[1])]
