"""Locked files: who may lock at the same time, and what ends a lock."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from frostline.cache.locks import create_and_lock, lock_exclusive, lock_shared

HOLD = """
import sys, time
from pathlib import Path
from frostline.cache.locks import create_and_lock
lock = create_and_lock(Path(sys.argv[1]))
print("locked", flush=True)
time.sleep(600)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lock"
    path.touch()
    return path


def test_readers_share_a_file_and_exclude_a_writer(file: Path) -> None:
    first, second = lock_shared(file), lock_shared(file)
    assert first is not None and second is not None
    assert lock_exclusive(file) is None and create_and_lock(file) is None
    first.close()
    assert lock_exclusive(file) is None, "the second reader has it still"
    second.close()
    writer = lock_exclusive(file)
    assert writer is not None
    assert lock_shared(file) is None
    writer.close()


def test_a_lock_ends_with_its_context_and_with_its_object(file: Path) -> None:
    lock = create_and_lock(file)
    assert lock is not None
    with lock:
        assert lock_exclusive(file) is None
    other = lock_exclusive(file)
    assert other is not None
    del other
    gc.collect()
    assert lock_exclusive(file) is not None


def test_a_lock_on_a_deleted_or_replaced_file_is_none(file: Path) -> None:
    """Its inode is locked, but another process would lock another one."""
    holder = lock_shared(file)
    assert holder is not None
    file.unlink()
    with pytest.raises(FileNotFoundError):
        lock_shared(file)
    assert create_and_lock(file) is not None, "the new file has no lock yet"
    assert not holder.lock(1)


def test_a_lock_ends_with_a_killed_process(file: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        assert lock_exclusive(file) is None
        process.send_signal(signal.SIGKILL)
    assert lock_exclusive(file) is not None
