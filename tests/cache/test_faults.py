"""A killed writer, many processes that want the same, a full disk and one that may only be read: none costs a run."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest
import torch

from cache_entries import KEY, Share, texts_of
from frostline.cache.arrays import StatesReader
from frostline.cache.entry import Entry

TEXTS, BATCH = 320, 8
SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["frostline.cache.arrays", "cache_entries"])  # torch is imported once, not by each process


def states() -> list[torch.Tensor]:
    return texts_of([7 + row % 50 for row in range(TEXTS)], width=96)


def batches() -> list[list[int]]:
    return [list(range(row, row + BATCH)) for row in range(0, TEXTS, BATCH)]


def write(work: Path, begins: Event) -> None:
    share = Share(work, states(), batches())
    begins.set()
    share.write()


def digests(work: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in work.iterdir()}


def killed_after(work: Path, seconds: float) -> float:
    """A writer that is killed so long after it began; how long it lived."""
    work.mkdir()
    begins = SPAWN.Event()
    process = SPAWN.Process(target=write, args=(work, begins))
    process.start()
    assert begins.wait(60)
    began = time.monotonic()
    process.join(seconds)
    lived = time.monotonic() - began
    process.kill()
    process.join()
    process.close()
    return lived


@pytest.mark.parametrize("times", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_a_writer_killed_at_any_moment_is_gone_on_with_to_the_same_bytes(tmp_path: Path, times: int) -> None:
    whole, chance = killed_after(tmp_path / "whole", 60), random.Random(1)
    undisturbed = digests(tmp_path / "whole")
    kept = []
    for attempt in range(times):
        work = tmp_path / str(attempt)
        killed_after(work, chance.random() * whole)
        share = Share(work, states(), batches())
        kept.append(share.writer.batches)
        share.write()
        assert digests(work) == undisturbed
        shutil.rmtree(work)
    assert times < 20 or any(0 < count < len(batches()) for count in kept), kept


def use(folder: Path, place: int) -> tuple[bool, str]:
    """As a run does that wants an entry: whether it has written it, and a digest of what it has read."""
    entry, wrote = Entry(folder, KEY), False
    if entry.manifest() is None:
        with entry.lock_for_writing():
            if entry.manifest() is None:
                wrote = True
                files = Share(entry.partial_path, states(), batches()).write()
                entry.commit({"texts": TEXTS, "width": 96, "dtype": "float32", "files": files})
    rows = np.random.default_rng(place).permutation(TEXTS)
    found, reader = torch.zeros(TEXTS, 56, 96), StatesReader(entry)
    for some in np.array_split(rows, 20):
        part = reader.padded(some)
        found[torch.from_numpy(some), : part.shape[1]] = part
    return wrote, hashlib.sha256(found.numpy().tobytes()).hexdigest()


def test_of_eight_processes_that_want_the_same_one_writes_and_all_read_it(tmp_path: Path) -> None:
    with ProcessPoolExecutor(8, mp_context=SPAWN) as pool:
        answers = [answer.result() for answer in [pool.submit(use, tmp_path, place) for place in range(8)]]
    expected = torch.nn.utils.rnn.pad_sequence(states(), batch_first=True)
    assert {digest for _, digest in answers} == {hashlib.sha256(expected.numpy().tobytes()).hexdigest()}
    assert sum(wrote for wrote, _ in answers) == 1
    assert [path.name for path in tmp_path.iterdir()] == [KEY]


# Disks


def on_a_disk_of_a_megabyte(code: str, folder: Path) -> str:
    """Runs a program whose folder is a file system of its own, which only the program sees."""
    folder.mkdir()
    mount = f"mount -t tmpfs -o size=1m none '{folder}'"
    tried = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {tried.stderr.strip()}")
    path = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1] / 'support')!r})\n"
    words = [
        "unshare",
        "-rm",
        "sh",
        "-c",
        f'{mount} && exec "$@"',
        "sh",
        sys.executable,
        "-c",
        path + code,
        str(folder),
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


FULL = """
import errno
from pathlib import Path
from cache_entries import Share, fill, small, texts_of
from frostline.cache.arrays import StatesReader
from frostline.cache.store import StateCache

shelf = StateCache(Path(sys.argv[1]), max_bytes=10**9)
old = small(shelf.folder, "a" * 8)
states = texts_of([10] * 100, 500)
entry = shelf.entry("b" * 8)
assert not shelf.make_room(2_000_000)
try:
    with entry.lock_for_writing():
        Share(entry.partial_path, states, [[row] for row in range(100)]).write()
except OSError as error:
    assert error.errno == errno.ENOSPC
    print("full")
assert entry.manifest() is None and entry.partial_path.is_dir()
assert Share(entry.partial_path, states, [[row] for row in range(100)]).writer.batches > 40
with entry.lock_for_writing():
    entry.discard_partial()
reader = StatesReader(old)
assert sorted(path.name for path in shelf.folder.iterdir()) == ["a" * 8]
print(len(StatesReader(fill(entry, states[:20], [list(range(20))])).length), len(reader.length))
"""


def test_a_full_disk_is_told_and_what_was_written_can_be_dropped(tmp_path: Path) -> None:
    assert on_a_disk_of_a_megabyte(FULL, tmp_path / "disk").splitlines() == ["full", "20 3"]


READ_ONLY = """
import errno, subprocess
from pathlib import Path
from cache_entries import small
from frostline.cache.arrays import StatesReader
from frostline.cache.store import StateCache
from frostline.cache.checksums import find_damage
import numpy as np

shelf = StateCache(Path(sys.argv[1]))
old = small(shelf.folder, "a" * 8)
subprocess.run(["mount", "-o", "remount,ro", str(shelf.folder)], check=True)
reader = StatesReader(old)
print(reader.padded(np.arange(3)).shape[0], find_damage(old))
old.invalidate()
assert not old.delete()
assert old.manifest() is not None and [entry.key for entry in shelf.complete_entries()] == ["a" * 8]
StateCache(shelf.folder, max_bytes=0).make_room(0)
try:
    with shelf.entry("b" * 8).lock_for_writing():
        print("claimed")
except OSError as error:
    assert error.errno == errno.EROFS
    print("read only")
"""


def test_a_store_that_may_only_be_read_is_read_and_refuses_a_claim(tmp_path: Path) -> None:
    assert on_a_disk_of_a_megabyte(READ_ONLY, tmp_path / "disk").splitlines() == ["3 None", "read only"]


def test_a_store_that_cannot_be_made_refuses_a_claim(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    entry = Entry(tmp_path / "file" / "store", KEY)
    assert entry.manifest() is None
    with pytest.raises(NotADirectoryError), entry.lock_for_writing():
        pass
