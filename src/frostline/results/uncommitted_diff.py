"""The uncommitted changes of the working folder as a patch of limited size.

A run folder needs the changes of code. Those of large files, such as a tracked csv file, are left out and named.
"""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_BYTES = 2**20  # of the changes of code, and again of the changes of all other files
CODE = (".py", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".sh", ".ipynb", ".js", ".c", ".cpp", ".h", ".cu", ".rs")
FIRST_LINE = b"diff --git "  # of a file's changes; no other line of a patch begins so
OPTIONS = ("--binary", "--no-color", "--no-ext-diff", "--src-prefix=a/", "--dst-prefix=b/")
TIMEOUT = 20.0  # seconds


@dataclass(frozen=True)
class UncommittedDiff:
    """A patch for `git apply`. left_out: the files whose changes are not in it.

    size, sha256: the bytes of the patch with all files, as git prints it, and their checksum.
    """

    patch: str = ""
    left_out: tuple[str, ...] = ()
    size: int = 0
    sha256: str = ""

    def described(self) -> dict[str, Any]:
        """Return what environment.json says about a patch with files left out; nothing about a complete one."""
        if not self.left_out:
            return {}
        return {"diff": {"bytes": self.size, "sha256": self.sha256, "left_out": list(self.left_out)}}


def read_diff(excluded: Sequence[str] = (), max_bytes: int = MAX_BYTES) -> UncommittedDiff:
    """Return the changes of tracked files since the commit; empty outside a repository and where git takes too long.

    excluded: pathspecs of git.
    """
    command = ["git", "diff", *OPTIONS, "HEAD", "--", ":(top)", *excluded]
    collector, end = _Collector(max_bytes), time.monotonic() + TIMEOUT
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path.cwd()) as process:
            assert process.stdout is not None
            for line in process.stdout:
                collector.add(line)
                if time.monotonic() > end:
                    process.kill()
                    return UncommittedDiff()
    except OSError:
        return UncommittedDiff()
    return collector.result() if process.returncode == 0 else UncommittedDiff()


class _Collector:
    """Takes a patch line by line, and keeps the changes of a file if they fit as a whole."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.sha256, self.size = hashlib.sha256(), 0
        self.used = {True: 0, False: 0}  # bytes that are kept, of code and of other files
        self.lines_recorded: list[bytes] = []
        self.left_out: list[str] = []
        self._begin("")

    def _begin(self, name: str) -> None:
        self.name, self.lines, self.bytes = name, list[bytes](), 0
        self.is_code = name.endswith(CODE)

    @property
    def _fits(self) -> bool:
        return self.used[self.is_code] + self.bytes <= self.max_bytes

    def add(self, line: bytes) -> None:
        """Take the next line."""
        self.sha256.update(line)
        self.size += len(line)
        if line.startswith(FIRST_LINE):
            self._end()
            self._begin(_name_in(line))
        self.bytes += len(line)
        if self._fits:
            self.lines.append(line)

    def _end(self) -> None:
        if self._fits:
            self.lines_recorded += self.lines
            self.used[self.is_code] += self.bytes
        else:
            self.left_out.append(self.name)

    def result(self) -> UncommittedDiff:
        """Return the patch, once all lines are taken."""
        self._end()
        patch = b"".join(self.lines_recorded).decode(errors="replace")
        return UncommittedDiff(patch, tuple(self.left_out), self.size, self.sha256.hexdigest())


def _name_in(line: bytes) -> str:
    """Return the name of a file from the first line of its changes, as git escapes it."""
    return line.decode(errors="replace").rstrip("\n").replace(' "b/', " b/").rpartition(" b/")[2].removesuffix('"')
