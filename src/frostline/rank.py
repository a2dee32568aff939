"""One rank of a run: ``python -m frostline.rank FOLDER``; started by `frostline.ranks`, not by people."""

from __future__ import annotations

import sys
from pathlib import Path

from frostline import progress, ranks


def main() -> None:
    """Train on the resolved config in the folder; leave the reason there when that fails."""
    folder = Path(sys.argv[1])
    ranks.watch_parent()
    progress.silent = bool(ranks.own())  # the others would say the same as the first
    try:
        from frostline import train

        train.work_in(folder)
    except Exception as error:
        ranks.leave_reason(folder, error)
        sys.exit(1)


if __name__ == "__main__":
    main()
