"""Which texts stand in which batch: all of them once, nearly no padding, alike on any number of ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from frostline.data.batches import Indices, Rows, reading_order, share_batches, share_rows, training_order
from frostline.data.build import load_corpus
from frostline.data.corpus import Split
from frostline.data.loader import BatchLoader
from frostline.data.tokens import Tokens, tokenize_split
from frostline.freezing.frost_line import CachePoint
from parts import config, part

LENGTHS = [int(n) for n in np.random.default_rng(1).integers(3, 120, size=1003)]
SIZE = 16
RANKS = pytest.mark.parametrize("ranks", [1, 2, 3, 4])


def texts(batches: Any) -> list[int]:
    return sorted(int(i) for batch in batches for i in batch)


def same(first: list[Any], second: list[Any]) -> bool:
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


# One process


@pytest.mark.parametrize("count", [1, 15, 16, 17, 1003, 16 * 64, 16 * 64 + 1])
def test_every_text_stands_in_one_batch_and_one_batch_at_most_is_smaller(count: int) -> None:
    lengths = (LENGTHS * 2)[:count]
    for batches in (training_order(lengths, SIZE, seed=1, epoch=0), reading_order(lengths, SIZE)):
        assert texts(batches) == list(range(count))
        assert len(batches) == -(-count // SIZE)
        assert sum(len(batch) != SIZE for batch in batches) <= 1


def test_order_depends_on_seed_and_epoch_alone() -> None:
    first = training_order(LENGTHS, SIZE, seed=1, epoch=3)
    assert same(first, training_order(LENGTHS, SIZE, seed=1, epoch=3))
    assert not same(first, training_order(LENGTHS, SIZE, seed=2, epoch=3))
    assert not same(first, training_order(LENGTHS, SIZE, seed=1, epoch=4))


def test_the_seed_of_an_epoch_is_no_other_epoch_s() -> None:
    """Seed 1 in epoch 2 and seed 2 in epoch 1 differ."""
    assert not same(training_order(LENGTHS, SIZE, 1, 2), training_order(LENGTHS, SIZE, 2, 1))


def test_each_epoch_puts_other_texts_together() -> None:
    """Where there are several pools; a data set of one pool is cut along its lengths, nearly alike in each epoch."""
    many = LENGTHS * 5
    one, two = ({frozenset(map(int, b)) for b in training_order(many, SIZE, 1, epoch)} for epoch in (0, 1))
    assert not one & two


def test_batches_do_not_come_in_order_of_length() -> None:
    longest = [max(LENGTHS[i] for i in batch) for batch in training_order(LENGTHS, SIZE, 1, 0)]
    assert longest != sorted(longest) and longest != sorted(longest, reverse=True)
    assert abs(np.corrcoef(range(len(longest)), longest)[0, 1]) < 0.4


def test_texts_are_read_longest_first() -> None:
    tokenize_split = [LENGTHS[i] for batch in reading_order(LENGTHS, SIZE) for i in batch]
    assert tokenize_split == sorted(LENGTHS, reverse=True)


def padding(lengths: list[int], batches: Any) -> float:
    places = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches)
    return 1 - sum(lengths) / places


def test_real_texts_are_hardly_padded() -> None:
    encoder = part("encoder", "bert_tiny")
    corpus = load_corpus(config("dataset", "vader_movies"))
    lengths = tokenize_split(corpus.train, encoder.tokenize, 128, encoder.pad_id, "train").lengths
    share = padding(lengths, training_order(lengths, 32, seed=1, epoch=0))
    chance = np.random.default_rng(1).permutation(len(lengths))
    at_random = padding(lengths, np.array_split(chance, len(lengths) // 32))
    print(f"padding of vader_movies, {len(lengths)} texts in batches of 32: {share:.1%}, at random {at_random:.1%}")
    assert share < 0.06 < 0.4 < at_random


# Several ranks


@RANKS
def test_rows_of_all_ranks_are_the_batch(ranks: int) -> None:
    batches = training_order(LENGTHS, SIZE, 1, 0)
    shares = [share_rows(batches, rank, ranks) for rank in range(ranks)]
    for batch, *rows in zip(batches, *shares, strict=True):
        counted = [int(i) for row in rows for i in row.index[: row.counted]]
        assert sorted(counted) == sorted(map(int, batch))
        assert {row.size for row in rows} == {len(batch)}


@RANKS
def test_parts_of_a_batch_share_it_as_further_ranks_would(ranks: int) -> None:
    batches = training_order(LENGTHS, SIZE, 1, 0)
    for rank in range(ranks):
        parts = share_rows(batches, rank, ranks, parts=3)
        assert len(parts) == 3 * len(batches)
        for place in range(3):
            others = share_rows(batches, rank + ranks * place, 3 * ranks)
            for ours, theirs in zip(parts[place::3], others, strict=True):
                assert np.array_equal(ours.index, theirs.index)
                assert (ours.counted, ours.size) == (theirs.counted, theirs.size)


@RANKS
def test_ranks_have_shares_that_differ_by_one_text_at_most(ranks: int) -> None:
    batches = training_order(LENGTHS, SIZE, 1, 0)
    for rows in zip(*(share_rows(batches, rank, ranks) for rank in range(ranks)), strict=True):
        counts = [row.counted for row in rows]
        assert max(counts) - min(counts) <= 1


def test_a_rank_that_gets_none_of_a_batch_takes_a_row_that_counts_for_nothing() -> None:
    batch = [np.array([7, 5])]
    shares = [share_rows(batch, rank, 4)[0] for rank in range(4)]
    assert [(row.index.tolist(), row.counted, row.size) for row in shares] == [
        ([7], 1, 2),
        ([5], 1, 2),
        ([7], 0, 2),
        ([7], 0, 2),
    ]


@RANKS
@pytest.mark.parametrize("count", [1, 16, 33, 1003])
def test_an_evaluation_reads_every_text_once(ranks: int, count: int) -> None:
    whole = reading_order(LENGTHS[:count], SIZE)
    shares = [share_batches(whole, rank, ranks) for rank in range(ranks)]
    assert texts(row.index[: row.counted] for share in shares for row in share) == list(range(count))
    assert all(share for share in shares)


# What a step gets


def tokens() -> Tokens:
    made = [[int(i)] * n for i, n in enumerate(LENGTHS)]
    split = Split([str(i) for i in range(len(made))], [i % 3 for i in range(len(made))])
    return tokenize_split(split, lambda chunk, longest: [made[int(text)][:longest] for text in chunk], 100, 0, "train")


def loader(batches: list[Rows], **options: Any) -> BatchLoader:
    return BatchLoader(tokens(), len(batches), lambda: batches, options.pop("source", lambda: None), **options)


def test_a_batch_holds_its_texts_ids_padded_to_the_longest_of_them() -> None:
    (batch,) = loader(share_rows([np.array([5, 2, 900])], 0, 1))
    sizes = [min(LENGTHS[i], 100) for i in (5, 2, 900)]
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (3, max(sizes))
    for row, (text, size) in enumerate(zip((5, 2, 900), sizes, strict=True)):
        assert batch["input_ids"][row].tolist() == [text] * size + [0] * (max(sizes) - size)
        assert batch["attention_mask"][row].tolist() == [1] * size + [0] * (max(sizes) - size)
    assert batch["labels"].tolist() == [2, 2, 0]
    assert (batch["weight"].tolist(), batch["size"]) == ([1, 1, 1], 3)


def test_a_row_that_fills_a_place_has_weight_zero() -> None:
    (batch,) = loader(share_rows([np.array([5, 2])], 3, 4))
    assert (batch["weight"].tolist(), batch["size"]) == ([0], 2)


@dataclass
class Kept:
    """A row of two numbers a text; none of text 7."""

    line: CachePoint

    def rows(self, index: Indices) -> torch.Tensor | None:
        every = torch.arange(len(LENGTHS) * 2.0).reshape(-1, 1, 2)
        return None if 7 in index else every[torch.from_numpy(index)]


def test_kept_vectors_take_the_place_of_tokens() -> None:
    (batch,) = loader(share_rows([np.array([5, 2])], 0, 1), source=lambda: Kept(CachePoint("vectors")))
    assert batch["cached"].tolist() == [[[10, 11]], [[4, 5]]]
    assert "input_ids" not in batch


@pytest.mark.parametrize(("line", "rows", "inside"), [("vectors", 2, 1), ("vectors", 300, 2), ("states", 2, 2)])
def test_steps_on_a_few_vectors_are_not_shared_among_threads(line: str, rows: int, inside: int) -> None:
    """Nor is anything left of that, however the epochs of two loaders end."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        batches = share_rows([np.arange(10, 10 + rows)] * 3, 0, 1)
        kept = CachePoint("vectors") if line == "vectors" else CachePoint("states", 1)
        one, other = (iter(loader(batches, source=lambda: Kept(kept))) for _ in range(2))
        seen = [torch.get_num_threads() for _ in (next(one), next(other))]
        list(one), list(other)
        assert (seen, torch.get_num_threads()) == ([inside] * 2, 2)
        begun = iter(loader(batches, source=lambda: Kept(kept)))
        next(begun)
        del begun
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_states_go_with_their_tokens_and_what_cannot_be_read_is_read_as_tokens() -> None:
    batches = share_rows([np.array([5, 2]), np.array([7, 2]), np.array([3])], 0, 1)
    found = list(loader(batches, source=lambda: Kept(CachePoint("states", 1))))
    assert ["cached" in batch for batch in found] == [True, False, True], "made in advance, in their order"
    assert all(len(batch["input_ids"]) == len(batch["labels"]) for batch in found)


def test_an_epoch_goes_on_where_it_was_left() -> None:
    batches = share_rows(training_order(LENGTHS, SIZE, 1, 0), 0, 1)
    whole, rest = list(loader(batches)), list(loader(batches, first=lambda: 40))
    assert len(rest) == len(whole) - 40
    assert all(torch.equal(a["labels"], b["labels"]) for a, b in zip(whole[40:], rest, strict=True))


@RANKS
def test_the_loss_of_all_ranks_is_the_mean_over_the_batch(ranks: int) -> None:
    """Each rank adds weight x loss / size; together they have the mean, whatever the last batch's size."""
    loss = torch.rand(len(LENGTHS), generator=torch.Generator().manual_seed(1), dtype=torch.double)
    for batch in [*training_order(LENGTHS, SIZE, 1, 0)[-3:], np.array([1, 2, 3])]:
        shares = [share_rows([batch], rank, ranks)[0] for rank in range(ranks)]
        parts = [loss[torch.from_numpy(s.index)].sum() * float(s.counted > 0) / s.size for s in shares]
        assert float(sum(parts)) == pytest.approx(float(loss[torch.from_numpy(batch)].mean()))
