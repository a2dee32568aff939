"""Entries come whole or not at all, to all that want them; what is removed is what nobody uses, least recent first."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cache_entries import KEY, small
from frostline.cache.entry import Entry
from frostline.cache.store import StateCache

HOLDER = """
import sys
from pathlib import Path
from frostline.cache.entry import Entry
entry = Entry(Path(sys.argv[1]), sys.argv[2])
with entry.{lock}():
    print("ready", flush=True)
    sys.stdin.readline()
"""


@contextlib.contextmanager
def another(lock: str, entry: Entry) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that locks the entry for reading or for writing."""
    words = [sys.executable, "-c", HOLDER.format(lock=lock), str(entry.folder), entry.key]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


def three(folder: Path) -> list[Entry]:
    """Used an hour ago, two hours ago and now."""
    found = [small(folder, letter * 8) for letter in "abc"]
    for entry, hours in zip(found, (1, 2, 0), strict=True):
        time_then = time.time() - 3600 * hours
        os.utime(entry.path, (time_then, time_then))
    return found


def there(found: list[Entry]) -> list[bool]:
    return [entry.manifest() is not None for entry in found]


# Complete or absent


def test_an_entry_is_there_when_it_is_complete_and_not_before(tmp_path: Path) -> None:
    shelf = StateCache(tmp_path / "store")
    entry = shelf.entry(KEY)
    assert (entry.manifest(), shelf.complete_entries()) == (None, [])
    with entry.lock_for_writing():
        (entry.partial_path / "states.0of1.bin").write_bytes(b"half")
        assert (entry.manifest(), shelf.complete_entries(), shelf.unfinished_entries()) == (None, [], [entry])
    small(shelf.folder)
    assert entry.manifest() is not None
    assert (shelf.complete_entries(), shelf.unfinished_entries()) == ([entry], [])
    assert [path.name for path in shelf.folder.iterdir()] == [KEY]


def test_the_manifest_gives_what_it_was_given(tmp_path: Path) -> None:
    found = small(tmp_path, encoder="naïve 雪", seconds=1 / 3, none=None).manifest()
    assert found is not None
    assert (found["encoder"], found["seconds"], found["none"], found["texts"]) == ("naïve 雪", 1 / 3, None, 3)


def test_junk_is_no_entry_and_hinders_none(tmp_path: Path) -> None:
    entry = small(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "deadbeef").write_text("a file")
    for name in ("cafecafe", "some folder", "ab"):
        (tmp_path / name).mkdir()
    (tmp_path / "some folder" / "manifest.json").write_text("[]")
    shelf = StateCache(tmp_path, max_bytes=10_000)
    assert shelf.complete_entries() == [entry]
    assert shelf.make_room(100)
    assert shelf.entry("deadbeef").manifest() is shelf.entry("cafecafe").manifest() is None


def test_abandoned_work_leaves_nothing(tmp_path: Path) -> None:
    entry = Entry(tmp_path, KEY)
    with entry.lock_for_writing():
        (entry.partial_path / "states.0of1.bin").write_bytes(b"half")
        entry.discard_partial()
    assert list(tmp_path.iterdir()) == []


# One writes


def test_another_waits_for_the_writer_and_says_so_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    entry = Entry(tmp_path, KEY)
    with another("lock_for_writing", entry) as writer:
        with pytest.raises(TimeoutError, match="another run is still computing"), entry.lock_for_writing(timeout=0.3):
            pass
        assert capfd.readouterr().err == "frost line: another run computes the same states; waiting for it\n"
        writer.send_signal(signal.SIGKILL)
        with entry.lock_for_writing(timeout=20):
            assert entry.partial_path.is_dir()


def test_one_at_a_time_writes(tmp_path: Path) -> None:
    """Eight processes, each of which finds that no other is between its claim and its release."""
    code = """
import sys, time
from pathlib import Path
from frostline.cache.entry import Entry
entry = Entry(Path(sys.argv[1]), "0123456789abcdef")
for _ in range(5):
    with entry.lock_for_writing():
        (entry.partial_path / "here").touch(exist_ok=False)
        time.sleep(0.002)
        (entry.partial_path / "here").unlink()
"""
    words = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(words, stderr=subprocess.DEVNULL) for _ in range(8)]
    assert [process.wait() for process in processes] == [0] * 8


# In use


@pytest.mark.parametrize("lock", ["lock_for_reading", "lock_for_writing"])
def test_what_another_process_uses_is_not_removed_until_it_ends(tmp_path: Path, lock: str) -> None:
    entry = small(tmp_path)
    with another(lock, entry) as user:
        assert entry.in_use
        assert not entry.delete()
        assert StateCache(tmp_path, max_bytes=0).prune() == 0
        user.send_signal(signal.SIGKILL)
        user.wait()
        assert not entry.in_use
        assert entry.delete()
    assert list(tmp_path.iterdir()) == []


def test_an_entry_that_is_held_twice_is_in_use_until_both_are_done(tmp_path: Path) -> None:
    entry = small(tmp_path)
    with entry.lock_for_reading():
        with entry.lock_for_reading():
            assert not entry.delete()
        assert not entry.delete()
    assert entry.delete()


def test_what_was_removed_cannot_be_held(tmp_path: Path) -> None:
    entry = small(tmp_path)
    assert entry.delete()
    with pytest.raises(FileNotFoundError):
        entry.lock_for_reading()


# Room


def test_what_was_used_least_recently_goes_first_and_no_more_than_needed(tmp_path: Path) -> None:
    found = three(tmp_path)
    shelf = StateCache(tmp_path, max_bytes=sum(entry.size for entry in found))
    assert shelf.complete_entries() == [found[1], found[0], found[2]]
    assert shelf.make_room(1)
    assert there(found) == [True, False, True]
    assert shelf.make_room(found[0].size)
    assert there(found) == [True, False, True]
    assert shelf.make_room(found[0].size + 1)
    assert there(found) == [False, False, True]


def test_to_hold_an_entry_is_to_use_it(tmp_path: Path) -> None:
    found = three(tmp_path)
    with found[1].lock_for_reading():
        pass
    assert StateCache(tmp_path, max_bytes=sum(entry.size for entry in found)).make_room(1)
    assert there(found) == [False, True, True]


def test_what_is_in_use_stays_and_the_next_goes(tmp_path: Path) -> None:
    found = three(tmp_path)
    with another("lock_for_reading", found[1]):
        assert StateCache(tmp_path, max_bytes=sum(entry.size for entry in found)).make_room(1)
    assert there(found) == [False, True, True]


def test_nothing_is_removed_in_vain(tmp_path: Path) -> None:
    found = three(tmp_path)
    budget = sum(entry.size for entry in found)
    with another("lock_for_reading", found[0]):
        assert not StateCache(tmp_path, max_bytes=budget).make_room(budget)
    assert not StateCache(tmp_path, max_bytes=budget).make_room(budget + 1)
    assert there(found) == [True, True, True]


def test_what_a_killed_writer_left_goes_too_and_what_a_living_one_has_does_not(tmp_path: Path) -> None:
    left, worked_on = Entry(tmp_path, "a" * 8), Entry(tmp_path, "b" * 8)
    with another("lock_for_writing", left):
        (left.partial_path / "states.0of1.bin").write_bytes(bytes(1000))
    with another("lock_for_writing", worked_on):
        (worked_on.partial_path / "states.0of1.bin").write_bytes(bytes(1000))
        assert StateCache(tmp_path, max_bytes=2000).make_room(1000)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["b" * 8 + ".lock", "b" * 8 + ".partial"]
        assert not StateCache(tmp_path, max_bytes=2000).make_room(1001)


def test_what_a_killed_process_was_removing_is_removed(tmp_path: Path) -> None:
    gone = tmp_path / f".{KEY}-12345678.gone"
    gone.mkdir()
    (gone / "states.0of1.bin").write_bytes(bytes(1000))
    assert StateCache(tmp_path, max_bytes=1000).make_room(1000)
    assert list(tmp_path.iterdir()) == []


def test_without_a_budget_it_is_a_tenth_of_the_free_disk_and_never_more_than_the_disk_has(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert StateCache(tmp_path).budget == pytest.approx(free / 10, rel=0.1)
    assert StateCache(tmp_path, max_bytes=10**18).budget == pytest.approx(free, rel=0.1)
    assert not StateCache(tmp_path).make_room(free)


def test_entries_that_others_remove_meanwhile_are_no_error(tmp_path: Path) -> None:
    """Two processes that make room at once, of the same entries."""
    code = """
import sys
from pathlib import Path
from frostline.cache.store import StateCache
shelf = StateCache(Path(sys.argv[1]), max_bytes=0)
for _ in range(30):
    shelf.make_room(0), shelf.all_entries(), shelf.size
"""
    words = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(words, stderr=subprocess.PIPE) for _ in range(2)]
    for turn in range(60):
        small(tmp_path, f"{turn:08x}")
    assert [process.communicate()[1] for process in processes] == [b"", b""]
