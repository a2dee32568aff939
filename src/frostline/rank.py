"""One rank of a run: ``python -m frostline.rank FOLDER``; started by `frostline.ranks`, not by people."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from frostline import ranks
from frostline.errors import UserError
from frostline.store.files import write_json


def main() -> None:
    """Train on the resolved config in the folder; leave the reason there when that fails."""
    folder = Path(sys.argv[1])
    ranks.watch_parent()
    try:
        from frostline import train

        train.work(folder)
    except Exception as error:
        problems = [asdict(problem) for problem in error.problems] if isinstance(error, UserError) else []
        reason = {"what": f"{type(error).__name__}: {error}", "problems": problems}
        write_json(folder / f".rank{ranks.own()}.json", reason)
        raise


if __name__ == "__main__":
    main()
