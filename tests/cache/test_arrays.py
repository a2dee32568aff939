"""States of texts on disk: what is written is what is read, to the bit, and a killed writer loses a batch at most."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cache_entries import KEY, Dtype, Share, fill, texts_of
from frostline.cache.arrays import StatesReader, StatesWriter
from frostline.cache.entry import Damaged, Entry

ROUNDED = {"float32": torch.float32, "float16": torch.float16}
Written = tuple[list[Tensor], list[list[int]], int]


@st.composite
def splits(draw: st.DrawFn) -> Written:
    """Texts' states of unlike length, an order of their rows in batches, and a number of processes."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=30))
    states = texts_of(lengths, draw(st.integers(1, 8)), seed=draw(st.integers(0, 99)))
    order, size = draw(st.permutations(range(len(lengths)))), draw(st.integers(1, 7))
    return states, [order[i : i + size] for i in range(0, len(order), size)], draw(st.integers(1, 4))


def bits(numbers: Tensor) -> Tensor:
    return numbers.contiguous().view(torch.int32)


@settings(max_examples=60, deadline=None)
@given(splits(), st.sampled_from(["float32", "float16"]), st.data())
def test_what_is_written_is_what_is_read_in_any_order(split: Written, dtype: Dtype, data: st.DataObject) -> None:
    """Also where there are more processes than batches."""
    states, batches, shares = split
    with TemporaryDirectory() as folder:
        reader = StatesReader(fill(Entry(Path(folder), KEY), states, batches, shares, dtype))
        assert reader.length.tolist() == [len(text) for text in states]
        rows = data.draw(st.lists(st.integers(0, len(states) - 1), min_size=1, max_size=12))
        found = reader.padded(np.array(rows))
        assert found.dtype == torch.float32
        assert found.shape == (len(rows), max(len(states[row]) for row in rows), states[0].shape[1])
        for text, row in zip(found, rows, strict=True):
            expected = states[row].to(ROUNDED[dtype]).float()
            assert torch.equal(bits(text[: len(expected)]), bits(expected))
            assert not bits(text[len(expected) :]).any()


def test_numbers_that_are_no_ordinary_ones_come_back_as_they_went(tmp_path: Path) -> None:
    odd = torch.tensor([[math.nan, math.inf, -math.inf, -0.0, 1e-45, 3.4e38]])
    reader = StatesReader(fill(Entry(tmp_path, KEY), [odd], [[0]]))
    assert torch.equal(bits(reader.padded(np.arange(1))[0]), bits(odd))


def test_a_number_too_large_for_float16_is_refused_and_an_infinite_one_is_not(tmp_path: Path) -> None:
    writer = StatesWriter(tmp_path, "0of1", "float16")
    writer.append(np.array([0]), np.array([1]), torch.tensor([[math.inf, 1.0]]))
    with pytest.raises(OSError, match="a number is too large for float16"):
        writer.append(np.array([1]), np.array([1]), torch.tensor([[7e4, 1.0]]))
    assert StatesWriter(tmp_path, "0of1", "float16").batches == 1


def test_what_is_stored_is_hardly_more_than_the_numbers(tmp_path: Path) -> None:
    entry = fill(Entry(tmp_path, KEY), texts_of([1] * 200, width=384), [list(range(200))])
    assert entry.size < 1.05 * 200 * 384 * 4


# A writer that was killed


def whole(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix == ".bin"}


@pytest.mark.parametrize("file", ["states.0of1.bin", "texts.0of1.bin"])
def test_whatever_a_killed_writer_left_the_next_one_ends_with_the_same_bytes(tmp_path: Path, file: str) -> None:
    states, batches = texts_of([3, 1, 4, 1, 5, 9, 2], width=2), [[6, 0], [3, 1, 2], [4], [5]]
    (tmp_path / "whole").mkdir()
    Share(tmp_path / "whole", states, batches).write()
    undisturbed = whole(tmp_path / "whole")
    for size in range(len(undisturbed[file]) + 1):
        left = tmp_path / f"cut at {size}"
        left.mkdir()
        for name, content in undisturbed.items():
            (left / name).write_bytes(content[:size] if name == file else content)
        share = Share(left, states, batches)
        assert share.writer.batches < 4 or size == len(undisturbed[file])
        share.write()
        assert whole(left) == undisturbed


THREE = texts_of([2, 1, 2], width=2)


@pytest.mark.parametrize("file", ["states.0of1.bin", "texts.0of1.bin"])
def test_where_a_machine_that_lost_its_power_kept_zeros_they_are_written_anew(tmp_path: Path, file: str) -> None:
    Share(tmp_path, THREE, [[0], [1], [2]]).write()
    undisturbed = whole(tmp_path)
    content = undisturbed[file]
    for place in range(len(content) - 4):
        (tmp_path / file).write_bytes(content[:place] + bytes(len(content) - place))
        share = Share(tmp_path, THREE, [[0], [1], [2]])
        assert share.writer.batches < 3
        share.write()
        assert whole(tmp_path) == undisturbed


@pytest.mark.parametrize("file", ["states.0of1.bin", "texts.0of1.bin"])
def test_no_byte_that_changes_between_two_writers_gives_a_wrong_number(tmp_path: Path, file: str) -> None:
    entry = Entry(tmp_path, KEY)
    entry.partial_path.mkdir()
    Share(entry.partial_path, THREE, [[0], [1], [2]]).write()
    files = whole(entry.partial_path)
    for place, byte in enumerate(files[file]):
        entry.partial_path.mkdir(exist_ok=True)
        for name, content in files.items():
            (entry.partial_path / name).write_bytes(content)
        with (entry.partial_path / file).open("r+b") as opened:
            opened.seek(place)
            opened.write(bytes([byte ^ 0xFF]))
        entry.commit(
            {"texts": 3, "dtype": "float32", "files": Share(entry.partial_path, THREE, [[0], [1], [2]]).write()}
        )
        try:
            reader = StatesReader(entry)
        except Damaged:  # computed again by the next run
            continue
        assert all(torch.equal(reader.padded(np.array([row]))[0], text) for row, text in enumerate(THREE)), place


def test_an_entry_of_which_every_batch_was_there_already_is_as_any_other(tmp_path: Path) -> None:
    """Killed between the last batch and the manifest: the next run has seen no numbers that would tell it the width."""
    entry, states = Entry(tmp_path, KEY), texts_of([1, 2], width=3)
    with entry.lock_for_writing():
        Share(entry.partial_path, states, [[0, 1]])
        share = Share(entry.partial_path, states, [[0, 1]])
        share.write()
        again = Share(entry.partial_path, states, [[0, 1]])
        entry.commit({"texts": 2, "width": 0, "dtype": "float32", "files": again.write()})
    assert torch.equal(StatesReader(entry).padded(np.array([1]))[0], states[1])


def test_what_was_left_by_another_number_of_processes_is_dropped(tmp_path: Path) -> None:
    entry, states = Entry(tmp_path, KEY), texts_of([1, 2], width=3)
    with entry.lock_for_writing():
        Share(entry.partial_path, states, [[0]], share="1of2").write()
    fill(entry, states, [[0, 1]])
    assert sorted(file.name for file in entry.path.iterdir()) == ["manifest.json", "states.0of1.bin", "texts.0of1.bin"]


def test_a_share_that_is_not_there_makes_no_entry(tmp_path: Path) -> None:
    """As where machines do not write into one folder."""
    entry, states = Entry(tmp_path, KEY), texts_of([1, 2], width=3)
    with pytest.raises(OSError, match=r"a part of it is not there: .*states\.1of2\.bin"), entry.lock_for_writing():
        files: dict[str, Any] = Share(entry.partial_path, states, [[0, 1]], "0of2").write() | {"states.1of2.bin": 12}
        entry.commit({"texts": 2, "width": 3, "dtype": "float32", "files": files})
    assert entry.manifest() is None


@pytest.mark.parametrize("rows", [[0, 2], [0, 1, 1], [-1, 0], [0, 1, 2, 0]])
def test_an_entry_that_lacks_a_text_or_has_one_twice_is_damaged(tmp_path: Path, rows: list[int]) -> None:
    numbers = dict.fromkeys([-1, 0, 1, 2], torch.ones(1, 2))
    entry = fill(Entry(tmp_path, KEY), numbers, [rows], texts=3)
    with pytest.raises(Damaged):
        StatesReader(entry)
