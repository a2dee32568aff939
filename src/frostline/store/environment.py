"""Where a run was made: python, packages, commit, machine. What another machine needs to make it again."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any


def describe() -> dict[str, Any]:
    """What is known without torch; device, threads and fingerprints are added by the run."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "command": sys.argv,
        "packages": packages(),
        "git": commit(),
    }


@functools.cache
def packages() -> dict[str, str]:
    """Installed distributions and their versions."""
    found = {d.metadata["Name"]: d.version for d in metadata.distributions() if d.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def commit() -> dict[str, Any]:
    """The commit of the working folder and whether it was dirty; nulls outside a repository."""
    head = _git("rev-parse", "HEAD")
    return {"commit": head, "dirty": None if head is None else bool(_git("status", "--porcelain"))}


def diff() -> str:
    """What a dirty working tree has beyond its commit."""
    return _git("diff", "HEAD") or ""


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], capture_output=True, text=True, timeout=20, cwd=Path.cwd())
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
