"""What an encoder leaves out of texts, and special tokens that a text contains as characters."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from frostline.data.corpus import Origin, Split
from frostline.data.token_counts import SplitCounts, TextCounts, TokenizedTexts, token_messages
from frostline.data.tokens import tokenize_split
from frostline.errors import UserError
from frostline.instantiate import make
from frostline.models.encoders.tokenizer import _segment_ids
from frostline.models.prompting.prompt_tokenizer import PromptTokenizer
from frostline.models.prompting.template import PromptTemplate
from parts import config

SPECIAL = ["[SEP]", "[CLS]", "[MASK]", "[PAD]", "[UNK]"]
WORD = st.sampled_from(["good", "unbelievably", "film", "a", "é", "\u200b", "x" * 30, "[SEP", "sep]", *SPECIAL])
TEXT = st.lists(WORD, min_size=1, max_size=30).map(" ".join)
SHORT = st.lists(WORD, min_size=1, max_size=5).map(" ".join)


@cache
def encoder() -> Any:
    return make(config("encoder", "bert_tiny")).eval()


def whole(texts: list[Any]) -> Any:
    """Return the encoding of transformers, without truncation, in which special tokens in a text are characters."""
    return encoder().tokenizer(texts, split_special_tokens=True, verbose=False)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(TEXT, min_size=1, max_size=6) | st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6),
    most=st.integers(8, 40),
)  # type: ignore[type-var]
def test_counts_are_those_of_whole_and_truncated_texts(texts: list[Any], most: int) -> None:
    result, full = encoder().tokenize_and_count(texts, most), whole(texts)["input_ids"]
    special = 3 if isinstance(texts[0], tuple) else 2
    assert result.ids == encoder().tokenize(texts, most)
    assert list(result.lengths) == [len(row) - special for row in full]
    assert list(result.cut) == [len(row) - min(len(row), most) for row in full]
    assert list(result.special) == [
        any(s in "\n".join(text if special == 3 else [text]) for s in SPECIAL) for text in texts
    ]
    for row in result.ids:
        assert sum(i in encoder().tokenizer.all_special_ids and i != 100 for i in row) == special
    plain = encoder().tokenizer(texts, truncation=True, max_length=most)["input_ids"]
    for row, expected, has in zip(result.ids, plain, result.special, strict=True):
        assert has or row == expected, "texts without special tokens have the ids that they always had"


@settings(max_examples=40, deadline=None)
@given(pairs=st.lists(st.tuples(SHORT, SHORT), min_size=1, max_size=4))
def test_segments_are_the_tokenizer_s_own_token_types(pairs: list[tuple[str, str]]) -> None:
    ids, encoded = encoder().tokenize(pairs, 512), whole(pairs)
    for row, types in zip(ids, encoded["token_type_ids"], strict=True):
        segments = _segment_ids(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.long), 102)
        assert segments[0].tolist() == types


def test_a_separator_in_a_text_does_not_begin_the_second_text() -> None:
    pair = ("either [SEP] or", "one of both")
    encoded = whole([pair])
    given = {name: torch.tensor(values) for name, values in encoded.items()}
    (ids,) = encoder().tokenize([pair], 64)
    with torch.no_grad():
        expected = encoder().model(**given).last_hidden_state
        states = encoder()(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long))
    assert torch.equal(states, expected)


def test_pairs_whose_segments_are_assigned_otherwise_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(UserError, match="does not separate the two texts of a pair"):
        patch.setattr(encoder(), "segment_separator", 999)
        encoder().tokenize([("one", "other")], 64)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=5), most=st.integers(14, 50), shown=st.lists(TEXT, max_size=1))
def test_prompts_contain_the_special_tokens_of_the_template_alone(
    texts: list[str], most: int, shown: list[str]
) -> None:
    template = PromptTemplate.parse("{text} is {mask}.", ["text", "mask"])
    tokenizer, most = PromptTokenizer(encoder(), template), most + 70 * len(shown)
    tokenizer.prepend_demonstrations(shown, ["good"] * len(shown))
    (bare,) = tokenizer.prompt_ids([""])
    try:
        result = tokenizer(texts, most)
    except UserError:  # the template alone is longer
        assert len(bare) >= most
        return
    for text, row, length, cut in zip(texts, result.ids, result.lengths, result.cut, strict=True):
        (alone,) = encoder().tokenizer([text], split_special_tokens=True, add_special_tokens=False)["input_ids"]
        assert row.count(103) == 1 + len(shown) and len(row) <= most
        assert length == len(alone) and length - cut == len(row) - len(bare)


def test_texts_without_tokens_are_refused_with_their_row() -> None:
    split = Split(["a", "b"], [0, 1], [Origin("train", 3), Origin("train", 8)])
    with pytest.raises(UserError, match=r"1 of 2 texts of val have no tokens \(the first of them is row 8 of train\)"):
        tokenize_split(split, lambda texts, _: [[1] * (text == "a") for text in texts], 9, 0, "val")


def test_messages_name_shares_and_examples() -> None:
    counted = TokenizedTexts([[1]] * 4, [10, 30, 0, 10], [0, 20, 0, 5], [False, False, True, True])
    counts = {
        "train": TextCounts.concatenate([counted, counted]),
        "test_other": TextCounts.concatenate([counted]).take([0, 2]),
    }
    assert SplitCounts.of(counts["train"]) == SplitCounts(8, 4, 100, 50, 4, 2)
    origins = {
        "train": [Origin("train", n + 2) for n in range(8)],
        "test_other": [Origin("test", 5), Origin("test", 6)],
    }
    assert list(token_messages(counts, origins, 12)) == [
        "data: truncated to dataset.max_length=12: 4 of 8 texts of train (50.0% of their tokens)",
        "data: 5 texts (the first of them is row 4 of train) contain special tokens of the tokenizer, which are read "
        "as ordinary characters",
        "data: 3 texts (the first of them is row 4 of train) have no tokens, because the tokenizer removes all their "
        "characters",
    ]
    only_shift = {"test_other": counts["test_other"]}
    assert "row 6 of test of test_other" in next(token_messages(only_shift, origins, 12))
    assert list(token_messages({"train": counts["train"].take([0])}, origins, 12)) == []
    assert np.array_equal(counts["test_other"].lengths, [10, 0])


def test_a_token_without_an_embedding_is_refused_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = encoder().tokenize(["film"], 16)
    assert encoder().num_embeddings == encoder().model.embeddings.word_embeddings.num_embeddings == 30_522
    with monkeypatch.context() as patch:
        patch.setattr(encoder(), "num_embeddings", 3000)  # "films" has the id 3152
        assert encoder().tokenize(["film"], 16) == [row] and max(row) < 3000
        what = "the tokenizer has 30,522 tokens and the model embeddings of 3,000: 'films', which occurs in the texts"
        prompts = PromptTokenizer(encoder(), PromptTemplate.parse("{text} is {mask}", ["text", "mask"]))
        for tokenize in (encoder().tokenize, prompts):
            with pytest.raises(UserError, match=what):
                tokenize(["film", "films"], 16)
        for pad, expected in ((2, 2), (3152, 0)):  # what pads is masked, so that any embedding will do
            patch.setattr(encoder(), "tokenizer", SimpleNamespace(pad_token_id=pad))
            assert encoder().pad_id == expected
