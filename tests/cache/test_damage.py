"""Whatever becomes of the files of an entry, a reader gives the numbers that were written or says that it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cache_entries import KEY, fill, texts_of
from frostline.cache.arrays import StatesReader
from frostline.cache.checksums import find_damage
from frostline.cache.entry import Damaged, Entry

STATES = texts_of([2, 1, 3], width=4)
FILES = ["manifest.json", "states.0of2.bin", "states.1of2.bin", "texts.0of2.bin", "texts.1of2.bin"]


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    return fill(Entry(tmp_path, KEY), STATES, [[2, 0], [1]], shares=2)


def read(entry: Entry) -> list[Tensor] | None:
    """Each text's states; None where the entry is not what it was, and so is computed again."""
    try:
        reader = StatesReader(entry)
        return [reader.padded(np.array([row]))[0] for row in range(3)]
    except (Damaged, FileNotFoundError):
        return None


def is_right(found: list[Tensor] | None) -> bool:
    return found is None or all(map(torch.equal, found, STATES))


def test_an_entry_is_of_these_files_and_sound(entry: Entry) -> None:
    assert sorted(file.name for file in entry.path.iterdir()) == FILES
    assert find_damage(entry) is None
    assert read(entry) is not None


@pytest.mark.parametrize("name", FILES)
def test_any_byte_that_is_changed_is_noticed(entry: Entry, name: str) -> None:
    """Each byte of each file, by one bit and by all: none gives a wrong number, and of numbers none goes unnoticed."""
    file = entry.path / name
    content = file.read_bytes()
    for place in range(len(content)):
        for change in (0x01, 0x10, 0xFF):
            file.write_bytes(content[:place] + bytes([content[place] ^ change]) + content[place + 1 :])
            found = read(entry)
            assert is_right(found), (place, change)
            if name.endswith(".bin"):
                assert found is None, (place, change)
                assert find_damage(entry) is not None, (place, change)


@pytest.mark.parametrize("name", FILES)
def test_any_file_that_is_cut_or_grown_is_noticed(entry: Entry, name: str) -> None:
    file = entry.path / name
    content = file.read_bytes()
    for size in range(len(content)):
        file.write_bytes(content[:size])
        assert is_right(read(entry)), size
        if name.endswith(".bin"):
            assert read(entry) is None, size
            assert name in str(find_damage(entry)), size
    file.write_bytes(content + b"\0")
    assert read(entry) is None


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_there_is_noticed(entry: Entry, name: str) -> None:
    (entry.path / name).unlink()
    assert read(entry) is None


@pytest.mark.parametrize("name", ["states.0of2.bin", "states.1of2.bin"])
@pytest.mark.parametrize("size", [0, 15])
def test_a_file_that_is_cut_while_it_is_read_is_noticed_and_ends_no_run(entry: Entry, name: str, size: int) -> None:
    reader = StatesReader(entry)
    with (entry.path / name).open("r+b") as file:
        file.truncate(size)
    with pytest.raises(Damaged, match="has been cut"):
        reader.padded(np.arange(3))


def test_a_byte_that_changes_while_an_entry_is_read_is_noticed_each_time(entry: Entry) -> None:
    reader = StatesReader(entry)
    with (entry.path / "states.1of2.bin").open("r+b") as file:
        for change in (b"\1", b"\2"):
            reader.padded(np.array([0]))  # of the other file
            file.seek(5)
            file.write(change)
            file.flush()
            with pytest.raises(Damaged, match="is not as it was written"):
                reader.padded(np.array([1]))


@pytest.mark.parametrize("how", ["condemned", "deleted by hand", "replaced"])
def test_an_entry_that_goes_while_it_is_read_is_read_on(entry: Entry, how: str) -> None:
    reader = StatesReader(entry)
    if how == "condemned":
        entry.invalidate()
    else:
        shutil.rmtree(entry.path)
    if how == "replaced":
        fill(entry, texts_of([2, 1, 3], width=4, seed=1), [[0, 1, 2]])
    assert all(torch.equal(reader.padded(np.array([row]))[0], STATES[row]) for row in range(3))


def test_a_condemned_entry_is_written_anew(entry: Entry) -> None:
    entry.invalidate()
    assert entry.manifest() is None
    fill(entry, STATES, [[0, 1, 2]])
    assert is_right(read(entry))
    assert read(entry) is not None
