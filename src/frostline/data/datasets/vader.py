"""Sentiment in four domains, rated by the same people, for training in one domain and testing in the others."""

from __future__ import annotations

from typing import Literal

from frostline.data.corpus import Labelled, RawData
from frostline.data.downloads.package_cache import Pin, folder, is_cached

PIN = Pin(
    package="vaderSentiment",
    version="3.3.2",
    file="vaderSentiment-3.3.2.tar.gz",  # the wheel has no data
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    bytes=2466783,
)
INSIDE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz!/hutto_ICWSM_2014"
KEEP = ("*_GroundTruth.txt",)
FILES = {
    "movies": "movieReviewSnippets",
    "tweets": "tweets",
    "nyt": "nytEditorialSnippets",
    "amazon": "amazonReviewSnippets",
}
NEUTRAL = 0.5  # mean ratings range from -4 to 4


class Vader:
    """Load the texts of Hutto and Gilbert 2014 (ICWSM), with three classes by the mean rating of 20 people."""

    multi_label = False

    def __init__(self, domain: Literal["movies", "tweets", "nyt", "amazon"]) -> None:
        self.domain = domain

    def downloads(self) -> list[str]:
        return [] if is_cached(PIN, INSIDE, keep=KEEP) else [PIN.describe()]

    def load(self) -> RawData:
        file = folder(PIN, INSIDE, keep=KEEP) / f"{FILES[self.domain]}_GroundTruth.txt"
        lines = file.read_text(encoding="utf-8").split("\n")  # not splitlines: texts contain other line ends
        rows = [line.rstrip("\r").split("\t", 2) for line in lines if line.strip()]
        names, ratings, texts = zip(*rows, strict=True)
        groups = [name.split("_")[0] for name in names] if "_" in names[0] else None  # 1_2: sentence 2 of review 1
        return RawData(Labelled(texts, [sentiment(float(rating)) for rating in ratings], groups))


def sentiment(rating: float) -> str:
    """Return the class of a mean rating."""
    if rating < -NEUTRAL:
        return "negative"
    return "positive" if rating > NEUTRAL else "neutral"
