"""Atomic writes: a file is complete or absent, because it is written under another name and then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
