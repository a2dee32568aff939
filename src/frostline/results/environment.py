"""The environment of a run, as far as it is needed to repeat it: Python, packages, commit and machine."""

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

from frostline.results.uncommitted_diff import UncommittedDiff, read_diff

COMMAND = "FROSTLINE_COMMAND"  # the command as it was typed; workers and ranks have other command lines
STUDY_OUTPUTS = ("md", "csv", "svg", "png", "pdf", "tex")
NOT_CODE = [f":(top,exclude,glob)**/experiments/**/*.{ending}" for ending in STUDY_OUTPUTS]


@dataclass(frozen=True)
class Environment:
    """An environment that several runs of one process share. values: as recorded; diff: of uncommitted changes."""

    values: dict[str, Any]
    diff: str


def capture() -> Environment:
    """Return the environment of this process."""
    values, diff = describe_environment(), uncommitted_changes()
    return Environment(values | {"git": values["git"] | diff.described()}, diff.patch)


def describe_environment() -> dict[str, Any]:
    """Return what is known without torch. The run adds device, threads and fingerprints."""
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
    """Return the versions of installed distributions by name."""
    versions = {d.metadata["Name"]: d.version for d in metadata.distributions() if d.metadata["Name"]}
    return dict(sorted(versions.items(), key=lambda item: item[0].lower()))


def git_commit() -> dict[str, Any]:
    """Return the commit of the working folder and whether it is dirty; None for both outside a repository.

    The tables, pages and figures of a study do not count as changes, because they are written while it runs. A csv file
    with data may be among them: its content is in the fingerprint of the data.
    """
    head = _git_output("rev-parse", "HEAD")
    changed = _git_output("status", "--porcelain", "--", ":(top)", *NOT_CODE)
    return {"commit": head, "dirty": None if head is None else bool(changed)}


def uncommitted_changes() -> UncommittedDiff:
    """Return the changes of tracked files since the commit, without those of large files."""
    return read_diff(NOT_CODE)


def _git_output(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, timeout=20, cwd=Path.cwd())
    except (OSError, subprocess.TimeoutExpired):
        return None
    # Only line ends are stripped: the last line of a patch may be a single space.
    return done.stdout.decode(errors="replace").rstrip("\n") if done.returncode == 0 else None
