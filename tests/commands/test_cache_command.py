"""frostline cache: list, verify, prune and clear the cached states."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cache_entries import fill, small, texts_of
from command_line import Command, in_process
from frostline.cache.entry import Entry
from frostline.commands.cache import human_size

frostline = in_process
STORE = Path("store")


def used(entry: Entry, seconds_ago: float) -> Entry:
    time = entry.path.stat().st_mtime - seconds_ago
    os.utime(entry.path, (time, time))
    return entry


def test_ls_prints_the_entries_the_last_used_one_at_the_end(frostline: Command) -> None:
    used(fill(Entry(STORE, "a" * 32), texts_of([1] * 1200, 1), [list(range(1200))], split="test"), 3 * 3600)
    used(small(STORE, "b" * 32, encoder="minilm", line="as vectors"), 60)
    title, _, old, new, left = frostline("cache", "ls").out.splitlines()
    assert title.split() == ["encoder", "split", "texts", "line", "size", "last", "used"]
    assert old.split() == ["tiny", "test", "1,200", "after", "1", "layers", "34", "kB", "3", "h", "ago"]
    assert new.split()[:5] == ["minilm", "train", "3", "as", "vectors"]
    assert new.endswith("1 min ago")
    assert left.startswith("2 entries, 34 kB in '")


def test_ls_names_what_is_in_use_unfinished_and_damaged(frostline: Command) -> None:
    entry, cut = small(STORE, "a" * 32), small(STORE, "c" * 32)
    (cut.path / "states.0of1.bin").write_bytes(b"")
    unfinished = Entry(STORE, "b" * 32)
    with entry.lock_for_reading(), unfinished.lock_for_writing():
        result = frostline("cache", "ls").out
    rows = {line.split()[0]: line for line in result.splitlines()[2:-1]}
    assert rows["tiny"].endswith("in use")
    assert rows["b" * 32].split()[1:] == ["unfinished", "0", "B", "in", "use"]
    assert rows["c" * 32].split()[1] == "damaged"


def test_a_store_that_was_never_written_is_empty(frostline: Command) -> None:
    for action, begins in {"ls": "0 entries, 0 B in '", "verify": "ok: 0 entries", "prune": "removed 0 B"}.items():
        result = frostline("cache", action)
        assert (result.status, result.err) == (0, "")
        assert result.out.startswith(begins)
    assert frostline("cache", "clear").status == 0
    assert not STORE.exists()


def test_verify_names_what_is_damaged(frostline: Command) -> None:
    entries = [small(STORE, letter * 32) for letter in "abc"]
    result = frostline("cache", "verify")
    assert (result.status, result.out) == (0, "ok: 3 entries\n")
    states = entries[1].path / "states.0of1.bin"
    content = bytearray(states.read_bytes())
    content[20] ^= 1
    states.write_bytes(content)
    (entries[2].path / "manifest.json").write_text("{")
    result = frostline("cache", "verify")
    assert result.status == 1
    assert "states.0of1.bin' is not as it was written, from text 1 on" in result.out
    assert "manifest.json' is not as it was written" in result.out
    assert result.out.splitlines()[-1] == "2 of 3 entries damaged; the next run that needs them computes them again"


def test_prune_removes_what_was_not_used_for_longest(frostline: Command) -> None:
    entries = [used(small(STORE, letter * 32), age) for letter, age in {"a": 10, "b": 30, "c": 20}.items()]
    size = entries[0].size
    result = frostline("cache", "prune", "--max-bytes", str(2 * size))
    assert result.out.splitlines()[0] == f"removed {human_size(size)}"
    assert result.out.splitlines()[1].startswith("2 entries, ")
    assert [entry.manifest() is not None for entry in entries] == [True, False, True]
    assert frostline("cache", "prune").out.startswith("removed 0 B")


def test_clear_reports_what_is_in_use_and_leaves_it(frostline: Command) -> None:
    in_use, removed = small(STORE, "a" * 32), small(STORE, "b" * 32)
    with in_use.lock_for_reading():
        result = frostline("cache", "clear")
    assert result.status == 0
    assert result.out.splitlines() == [
        f"removed {human_size(in_use.size)}",
        f"in use, not removed: '{in_use.path.absolute()}'",
    ]
    assert removed.manifest() is None
    frostline("cache", "clear")
    assert list(STORE.iterdir()) == []


def test_another_folder_can_be_named_and_nothing_else_in_it_is_touched(frostline: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    small(mine, "a" * 32)
    (mine / "extension").mkdir()
    (mine / "extension" / "manifest.json").write_text('{"files": {}}')
    (mine / "thesis.partial").mkdir()
    (mine / ".thesis.gone").write_text("")
    assert frostline("cache", "ls", "--dir", str(mine)).out.splitlines()[2].startswith("tiny")
    assert frostline("cache", "--dir", str(mine), "clear").status == 0
    assert sorted(path.name for path in mine.iterdir()) == [".thesis.gone", "extension", "thesis.partial"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "cache: names no action; choose one of: ls, verify, prune, clear"),
        (["prun"], "prun: no such action; did you mean prune?"),
        (["ls", "all"], "all: ls takes no argument; give one action and options alone"),
        (["ls", "--dri", "x"], "--dri: no such option of cache; did you mean --dir?"),
        (["ls", "--dir"], "--dir: has no value; give --dir DIR"),
        (["ls", "--dir", "nowhere"], "--dir: 'nowhere' is no folder; give the folder of the cache, as in cache.dir"),
        (["prune", "--max-bytes", "5G"], "--max-bytes: '5G' is no number of bytes; give a number such as 5000000000"),
        (["clear", "--max-bytes", "5"], "--max-bytes: clear takes no budget; give it to prune"),
    ],
)
def test_wrong_words_are_reported(frostline: Command, words: list[str], problem: str) -> None:
    result = frostline("cache", *words)
    assert (result.status, result.problems()) == (2, [problem])


def test_it_starts_without_numpy_torch_and_hydra(tmp_path: Path) -> None:
    small(tmp_path, "a" * 32)
    for action in ("ls", "verify", "prune", "clear"):
        code = (
            f"import sys; from frostline import cli; cli.main(['cache', '{action}', '--dir', sys.argv[1]])\n"
            "assert not {'numpy', 'torch', 'hydra'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)


def test_sizes_have_readable_units() -> None:
    sizes = {0: "0 B", 999: "999 B", 1000: "1.0 kB", 54_321: "54 kB", 9_876_543: "9.9 MB", 5e12: "5.0 TB"}
    assert {size: human_size(size) for size in sizes} == sizes
