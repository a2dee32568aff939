"""Where a run was made: python, packages, commit, machine. What another machine needs to make it again."""

from __future__ import annotations

import functools
import os
import platform
import shlex
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

COMMAND = "FROSTLINE_COMMAND"  # what was typed; workers and ranks have command lines of their own
STUDY_FILES = [
    f":(top,exclude,glob)**/experiments/**/*.{ending}" for ending in ("md", "csv", "svg", "png", "pdf", "tex")
]


@dataclass(frozen=True)
class Environment:
    """What several runs of one process, begun together, may share. difference: the uncommitted part of the code."""

    told: dict[str, Any]
    difference: str


def capture() -> Environment:
    return Environment(describe_environment(), uncommitted_changes())


def describe_environment() -> dict[str, Any]:
    """What is known without torch; device, threads and fingerprints are added by the run."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "command": os.environ.get(COMMAND) or shlex.join(sys.argv),
        "packages": installed_packages(),
        "git": git_commit(),
    }


@functools.cache
def installed_packages() -> dict[str, str]:
    """Installed distributions and their versions."""
    found = {d.metadata["Name"]: d.version for d in metadata.distributions() if d.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def git_commit() -> dict[str, Any]:
    """The commit of the working folder and whether it was dirty; nulls outside a repository.

    What a study writes of itself, its table, page and figures, while it is made does not make its later runs dirty; of
    a csv that is data, the run's record has the fingerprint.
    """
    head = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--", ":(top)", *STUDY_FILES)
    return {"commit": head, "dirty": None if head is None else bool(changed)}


def uncommitted_changes() -> str:
    """What the tracked files have beyond the commit, as `git apply` reads it."""
    found = _git("diff", "--binary", "HEAD", "--", ":(top)", *STUDY_FILES)
    return f"{found}\n" if found else ""


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], capture_output=True, timeout=20, cwd=Path.cwd())
    except (OSError, subprocess.TimeoutExpired):
        return None
    # The last line of a patch may be a space that counts.
    return done.stdout.decode(errors="replace").rstrip("\n") if done.returncode == 0 else None
