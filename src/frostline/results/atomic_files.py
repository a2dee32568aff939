"""Atomic writes: a file is complete or absent, because it is written under another name and then renamed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from frostline import session

PART = ".part"


@contextmanager
def synchronised_once() -> Iterator[None]:
    """Write the files of many runs to disk together at the end, not one by one. Each is still complete or absent."""
    state = session.current()
    state.sync_later = True
    try:
        yield
    finally:
        state.sync_later = False
        os.sync()


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path for a large file, which replaces `path` at the end, once it is on the disk."""
    temporary = path.with_name(path.name + PART)
    temporary.unlink(missing_ok=True)
    temporary.touch()
    mode = temporary.stat().st_mode
    yield temporary
    temporary.chmod(mode)  # safetensors would make the file unreadable for the rest of the group
    with temporary.open("rb") as file:
        _synchronise(file.fileno())
    temporary.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a small file atomically."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            _synchronise(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=True) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def _synchronise(file: int) -> None:
    if not session.current().sync_later:
        os.fsync(file)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file without a name, which gets its name at the end, once it is on the disk.

    If the process is killed or an error is raised, nothing stays. Where the file system has no such files, as on macOS
    or NFS, a hidden file next to it is used, which stays if the process is killed.

    Raises:
        FileExistsError: there is a file of that name.
        OSError: it cannot be written.
    """
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor, has_name = _open_unnamed(path.parent, hidden)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            _synchronise(descriptor)
            if has_name:
                os.link(hidden, path)
            else:
                _name_file(descriptor, path)
    finally:
        hidden.unlink(missing_ok=True)


def _name_file(descriptor: int, path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:  # with a folder given, Python calls linkat, which alone follows the link in /proc
        os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _open_unnamed(folder: Path, hidden: Path) -> tuple[int, bool]:
    """Return the descriptor of a new file and whether it has the name `hidden`."""
    if hasattr(os, "O_TMPFILE") and Path("/proc/self/fd").is_dir():
        try:
            return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), False
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
    return os.open(hidden, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666), True
