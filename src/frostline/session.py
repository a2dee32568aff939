"""The state of one command, instead of global variables in modules.

`launch` creates a session for each command and passes it on. Code that Hydra, a resolver or a worker of a launcher
calls cannot take it as an argument, and gets it from `current`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, Any


@dataclass
class ProcessLocks:
    """Locked files that a process has open until it ends, during all of its commands.

    gpus: the lock on each GPU, by the name of the GPU. leaders: by file, the locks whose release shows workers that
    this process has ended. watched: files for which a thread of this process waits, to end it with the process that
    has locked them.
    """

    gpus: dict[str, IO[str]] = field(default_factory=dict)
    leaders: dict[str, IO[str]] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)


@dataclass
class Session:
    """The state of one command in one process.

    interrupted: whether Ctrl-C has been pressed. rows: the outcome of a single run (`results.summary_table.Row`); the
    jobs of a sweep are in its sweep log. error: why a single run failed. search: the search that Hydra's sweeper runs
    (`sweeps.trials.Trials`). quiet: nothing is printed, as on all ranks except the first. sync_later: files are
    synchronised with the disk once, at the end.
    rerun_folders, composed, shifted: what `config` has composed, by its own keys. imported: the checksums of a user's
    modules when this process imported them, by file.
    """

    interrupted: bool = False
    rows: list[Any] = field(default_factory=list)
    error: Exception | None = None
    search: Any = None
    quiet: bool = False
    sync_later: bool = False
    rerun_folders: dict[Any, str] = field(default_factory=dict)
    composed: dict[Any, Any] = field(default_factory=dict)
    shifted: dict[Any, Any] = field(default_factory=dict)
    locks: ProcessLocks = field(default_factory=ProcessLocks)
    imported: dict[str, str] = field(default_factory=dict)


_current = Session()


def begin() -> Session:
    """Start the session of a new command. What belongs to the process is taken from the previous one."""
    global _current
    _current = Session(locks=_current.locks, imported=_current.imported)
    return _current


def current() -> Session:
    """Return the session of the command that this process works on."""
    return _current
