"""One rank of a run: ``python -m frostline.training.rank FOLDER``; started by `distributed.launcher`, not by people."""

from __future__ import annotations

import sys
from pathlib import Path

from frostline import console as progress
from frostline.distributed import launcher as ranks
from frostline.distributed.process_exit import ProcessExit


def main() -> None:
    """Train on the resolved config in the folder; leave the reason there when that fails."""
    folder, process_exit = Path(sys.argv[1]), ProcessExit()
    ranks.watch_parent()
    progress.silent = bool(ranks.own())  # the others would say the same as the first
    try:
        from frostline.training import run as train

        train.train_rank(folder)
    except Exception as error:
        ranks.leave_reason(folder, error)
        process_exit.status = 1
        sys.exit(1)
    process_exit.status = 0


if __name__ == "__main__":
    main()
