"""The state of one command, in place of variables of modules.

`launch` makes a session for each command and hands it down. Code that Hydra, a resolver or a launcher's worker calls,
where nothing can be handed down, asks for it with `current`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, Any


@dataclass
class ProcessLocks:
    """Locked files that a process keeps open until it ends, over all of its commands.

    gpus: the lock on each GPU, by the GPU's name. leaders: the locks by which workers notice that this process has
    ended, by file. watched: files that a thread of this process waits for, to end with the process that locks them.
    """

    gpus: dict[str, IO[str]] = field(default_factory=dict)
    leaders: dict[str, IO[str]] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)


@dataclass
class Session:
    """What one command remembers while it runs, in one process.

    interrupted: Ctrl-C has been pressed. rows: the outcome of a single run (`results.summary_table.Row`); the jobs of
    a sweep are in its sweep log. search: the search that Hydra's sweeper runs (`sweeps.trials.Trials`). quiet: nothing
    is printed, as on all ranks but the first. sync_later: files are synchronised with the disk in one go.
    rerun_folders, composed, shifted: what `config` has composed, by its own keys.
    """

    interrupted: bool = False
    rows: list[Any] = field(default_factory=list)
    search: Any = None
    quiet: bool = False
    sync_later: bool = False
    rerun_folders: dict[Any, str] = field(default_factory=dict)
    composed: dict[Any, Any] = field(default_factory=dict)
    shifted: dict[Any, Any] = field(default_factory=dict)
    locks: ProcessLocks = field(default_factory=ProcessLocks)


_current = Session()


def begin() -> Session:
    """Start the session of a new command. Only the locks of the process are taken over from the one before."""
    global _current
    _current = Session(locks=_current.locks)
    return _current


def current() -> Session:
    """Return the session of the command that this process works on."""
    return _current
