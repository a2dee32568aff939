"""A checksum is that of the bytes, whatever is remembered, and a large file that has not changed is not read again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.results import file_digest as module
from frostline.results.file_digest import SETTLED, SMALL, file_digest, folder_digest, is_settled

LARGE = bytes(range(256)) * (SMALL // 256) + b"end"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry_of(memo: Path) -> Path:
    (entry,) = memo.glob("*.json")
    return entry


def change_entry(memo: Path, **values: object) -> None:
    entry = json.loads(entry_of(memo).read_text())
    entry_of(memo).write_text(json.dumps(entry | values))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    file = tmp_path / "large.csv"
    file.write_bytes(LARGE)
    return file


@given(content=st.binary(max_size=40), size=st.sampled_from([0, SMALL - 20, SMALL, SMALL + 1, 3 * SMALL]))
def test_the_checksum_is_sha_256(content: bytes, size: int) -> None:
    content += b"x" * size
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "file")
        file.write_bytes(content)
        assert file_digest(file, Path(folder, "memo")) == sha256(content)
        assert file_digest(file, Path(folder, "memo")) == sha256(content)


def settle(file: Path, memo: Path) -> None:
    """Let the entry of a file look as if the file had been read three seconds after its last change."""
    file_digest(file, memo)
    change_entry(memo, read=file.stat().st_ctime_ns + SETTLED + 10**9)


def test_an_unchanged_large_file_is_not_read_again(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(large, Path("memo"))
    monkeypatch.setattr(module, "_hash", lambda file: pytest.fail(f"{file} is read"))
    assert file_digest(large, Path("memo")) == sha256(LARGE)


def test_an_entry_within_two_seconds_of_a_change_is_not_trusted(large: Path) -> None:
    settle(large, Path("memo"))
    change_entry(Path("memo"), sha256="0" * 64)
    assert file_digest(large, Path("memo")) == "0" * 64  # trusted, and so the test can fail
    change_entry(Path("memo"), read=large.stat().st_ctime_ns + SETTLED)
    assert file_digest(large, Path("memo")) == sha256(LARGE)


def test_a_file_edited_within_the_same_step_of_the_clock_is_read_again(large: Path) -> None:
    memo = Path("memo")
    settle(large, memo)
    signature = [large.stat().st_size, large.stat().st_mtime_ns, large.stat().st_ctime_ns, large.stat().st_ino]
    changed = b"!" + LARGE[1:]
    large.write_bytes(changed)
    status = large.stat()
    assert [status.st_size, status.st_ino] == [signature[0], signature[3]]
    # as a coarse clock would leave it: the entry of the old content has the times of the new one
    times = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    change_entry(memo, signature=times, read=status.st_ctime_ns + 1000)
    assert file_digest(large, memo) == sha256(changed)


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"signature": 1}'])
def test_a_damaged_entry_is_as_none(large: Path, damage: str) -> None:
    settle(large, Path("memo"))
    entry_of(Path("memo")).write_text(damage)
    assert file_digest(large, Path("memo")) == sha256(LARGE)
    assert json.loads(entry_of(Path("memo")).read_text())["sha256"] == sha256(LARGE)


@pytest.mark.parametrize("content", [b"small", LARGE])
def test_an_edit_whose_modification_time_is_set_back_is_seen(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    before = file.stat()
    first = file_digest(file, Path("memo"))
    file.write_bytes(content[:-1] + b"?")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert file_digest(file, Path("memo")) == sha256(content[:-1] + b"?") != first


def test_a_touched_file_has_the_same_checksum_and_its_entry_is_renewed(large: Path) -> None:
    settle(large, Path("memo"))
    before = entry_of(Path("memo")).read_text()
    os.utime(large, ns=(1, 1))
    assert file_digest(large, Path("memo")) == sha256(LARGE)
    assert entry_of(Path("memo")).read_text() != before


def test_a_memo_that_cannot_be_written_costs_time_alone(large: Path) -> None:
    Path("memo").write_text("a file where the folder would be")
    assert file_digest(large, Path("memo")) == sha256(LARGE)


def test_several_processes_may_write_one_entry(large: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: file_digest(large, Path("memo", str(_ % 2))), range(32)))
    assert digests == {sha256(LARGE)}


def test_a_file_that_is_being_written_has_no_checksum(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_while_written(file: Path) -> str:
        file.write_bytes(LARGE + os.urandom(3) * (1 + len(written)))
        written.append(file)
        return "0" * 64

    written: list[Path] = []
    monkeypatch.setattr(module, "_hash", read_while_written)
    with pytest.raises(OSError, match="another process writes it"):
        file_digest(large, Path("memo"))


@given(changed=st.integers(0, 10**19), later=st.integers(0, 4 * 10**9))
def test_a_file_is_settled_two_seconds_after_its_last_change(changed: int, later: int) -> None:
    assert is_settled(changed, changed + later) == (later > 2 * 10**9)


def test_a_folder_s_checksum_is_that_of_names_and_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_bytes(b"1")
    (folder / "sub" / "b").write_bytes(b"2")
    first = folder_digest(folder, Path("memo"))
    for name in (".lock", "__pycache__", ".git"):
        (folder / name).mkdir()
        (folder / name / "file").touch()
    assert folder_digest(folder, Path("memo")) == first
    (folder / "loop").symlink_to(folder)  # to itself: entered once
    assert folder_digest(folder, Path("memo")) == first
    (folder / "a").rename(folder / "c")
    renamed = folder_digest(folder, Path("memo"))
    (folder / "sub" / "b").write_bytes(b"3")
    assert len({first, renamed, folder_digest(folder, Path("memo"))}) == 3
