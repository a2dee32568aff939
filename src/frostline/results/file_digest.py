"""Checksums of files. That of a large file is remembered, so that a file that has not changed is not read again.

A file has not changed if its size, its inode and its two times are the same: that of its last modification, and that of
the last change of its status, which no program can set back. As in git's index, the entry of a file that was changed
less than two seconds before it was read is not trusted, because a later change may have the same times.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from frostline.results.atomic_files import read_json, write_json

SMALL = 2**16  # bytes up to which a file is always read, which takes as long as to look its checksum up
SETTLED = 2 * 10**9  # nanoseconds; the coarsest clock of a file system has steps of two seconds
ATTEMPTS = 3
NOT_CONTENT = (".", "__pycache__")  # beginnings of names that are skipped in folders

Signature = list[int]


def file_digest(file: Path, memo: Path) -> str:
    """Return the SHA-256 of the bytes of a file. memo: the folder with the checksums of large files.

    Raises:
        OSError: the file cannot be read, or another process writes it.
    """
    for _ in range(ATTEMPTS):
        signature = _signature(file)
        if signature[0] <= SMALL:
            digest = _hash(file)
        else:
            digest = _remembered(file, signature, memo) or _read_and_remember(file, signature, memo)
        if _signature(file) == signature:
            return digest
    raise OSError(errno.EBUSY, "another process writes it", str(file))


def folder_digest(folder: Path, memo: Path) -> str:
    """Return a checksum of the names and bytes of all files below a folder; hidden ones are left out.

    Raises:
        OSError: a file cannot be read.
    """
    return combined({file.relative_to(folder).as_posix(): file_digest(file, memo) for file in files_below(folder)})


def combined(digests: dict[str, str]) -> str:
    """Return one checksum for named checksums."""
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, through symbolic links too, without hidden ones and compiled Python."""
    entered: set[tuple[int, int]] = set()
    for path, folders, files in os.walk(folder, followlinks=True):
        status = Path(path).stat()
        if (status.st_dev, status.st_ino) in entered:  # a link to a folder that it is in
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith(NOT_CONTENT))
        files = [name for name in sorted(files) if not name.startswith(NOT_CONTENT)]
        yield from (file for name in files if (file := Path(path, name)).is_file())  # no pipe, which would never end


def is_settled(changed: int, read: int) -> bool:
    """Return whether a file that was changed and then read at these times, in nanoseconds, would show any change."""
    return read - changed > SETTLED


def _signature(file: Path) -> Signature:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _remembered(file: Path, signature: Signature, memo: Path) -> str | None:
    """Return the remembered checksum of a file with this signature, None where there is none to be trusted."""
    try:
        entry = read_json(_entry(file, memo))
        is_valid = entry["signature"] == signature and is_settled(signature[2], entry["read"])
        return str(entry["sha256"]) if is_valid else None
    except (OSError, ValueError, KeyError, TypeError):  # there is no entry, or it is damaged
        return None


def _read_and_remember(file: Path, signature: Signature, memo: Path) -> str:
    entry = {"file": str(file.absolute()), "signature": signature, "read": time.time_ns(), "sha256": _hash(file)}
    with contextlib.suppress(OSError):  # the folder cannot be written
        memo.mkdir(parents=True, exist_ok=True)
        write_json(_entry(file, memo), entry)
    return str(entry["sha256"])


def _entry(file: Path, memo: Path) -> Path:
    name = hashlib.sha256(os.fsencode(file.resolve())).hexdigest()[:32]
    return memo / f"{name}.json"
