"""One rank of a run, in a process that `distributed.launcher` starts, not a user."""

from __future__ import annotations

import sys
from pathlib import Path

from frostline import session
from frostline.distributed import launcher
from frostline.distributed.process_exit import ProcessExit
from frostline.distributed.ranks import started_rank


def main() -> None:
    """Train with the resolved config in the folder; if that fails, write the reason there."""
    folder, process_exit = Path(sys.argv[1]), ProcessExit()
    launcher.exit_with_launcher()
    session.current().quiet = bool(started_rank())  # all ranks would print the same
    try:
        from frostline.training.run import train_rank

        train_rank(folder)
    except Exception as error:
        launcher.record_reason(folder, error)
        process_exit.status = 1
        sys.exit(1)
    process_exit.status = 0
