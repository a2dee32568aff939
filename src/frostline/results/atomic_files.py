"""Files that are whole or absent: written beside, then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PART = ".part"
_together = False


@contextmanager
def written_together() -> Iterator[None]:
    """Of many small files: each is whole or absent as ever; all are on the disk when this is left, not one by one."""
    global _together
    _together = True
    try:
        yield
    finally:
        _together = False
        os.sync()


def _onto_disk(file: int) -> None:
    if not _together:
        os.fsync(file)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name to write a large file under; what is written takes `path`'s place when it is on the disk."""
    beside = path.with_name(path.name + PART)
    beside.unlink(missing_ok=True)
    beside.touch()
    mode = beside.stat().st_mode
    yield beside
    beside.chmod(mode)  # safetensors would keep the file from the rest of the group
    with beside.open("rb") as file:
        _onto_disk(file.fileno())
    beside.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader, or a kill, never finds half of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            _onto_disk(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=True) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
