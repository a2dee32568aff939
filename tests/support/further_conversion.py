"""A conversion that counts how often it is called, for a test."""

from __future__ import annotations

from pathlib import Path


def touch(source: Path, target: Path) -> None:
    calls = target / "calls"
    calls.write_text(str(int(calls.read_text()) + 1 if calls.exists() else 1))
