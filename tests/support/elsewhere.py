"""Exported folders, loaded in another process in which frostline cannot be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import load_without_frostline


def load_elsewhere(kind: str, *folders: Path) -> dict[str, list[float]]:
    """Return the largest distances of each folder from what the JSON file beside it expects."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["HF_MODULES_CACHE"] = str(folders[0].parent / "modules")
    words = [sys.executable, load_without_frostline.__file__, kind, *map(str, folders)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: list(map(float, distances)) for name, *distances in lines}
