"""frostline status [FOLDER]: how far a sweep is that runs elsewhere, on this machine or another.

FOLDER is the sweep's own, a study's or the folder of all runs (./runs without it), of which the last sweep is told.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from frostline.errors import Problem, UserError
from frostline.results import sweep_log as ledger
from frostline.results.summary_table import FAILED
from frostline.results.sweep_status import SweepStatus, lasting, standing

BEST = 5  # jobs that are named


def main(argv: list[str]) -> int:
    """Raises UserError where there is no sweep."""
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    if len(argv) > 1:
        raise UserError(Problem(argv[1], "status takes one folder", "give one at a time"), subject="command")
    folder = Path(argv[0] if argv else "runs").expanduser()
    if not folder.is_dir():
        raise UserError(Problem(str(folder), "is no folder", "give that of a study or a sweep"), subject="command")
    found = ledger.sweeps(folder)
    if not found:
        what = "holds no sweep"
        raise UserError(Problem(str(folder), what, "give the folder of one begun with frostline -m"), subject="command")
    print("\n".join(told(standing(found[-1], time.time()))))
    return 0


def told(now: SweepStatus) -> list[str]:
    """The command, how far it is, which jobs are under way, the best, and what failed."""
    best = [f"  {one.value:.3f}  {now.called(one)}" for one in now.ranked[:BEST]]
    return [
        now.opened.command,
        f"{now} ({_life(now)})",
        *(f"  under way for {lasting(now.now - one.at)}: {Path(one.folder).name}" for one in now.under_way),
        *([f"best {now.opened.monitor}:", *best] if len(best) > 1 else []),
        *(f"  failed: {Path(one.row.folder).name}: {one.row.error}" for one in now.ended if one.row.how == FAILED),
    ]


def _life(now: SweepStatus) -> str:
    """Whether anybody works on it, as far as can be told from here."""
    if now.waiting == 0 and not now.under_way:
        return "ended"
    since = max([now.opened.at, *(one.at for one in now.ended), *(one.at for one in now.under_way)])
    last = f"its last sign of life {lasting(now.now - since)} ago"
    if now.opened.host != socket.gethostname():
        return f"on {now.opened.host}, {last}"
    if _lives(now.opened.pid):
        return f"process {now.opened.pid}"
    return f"stopped, the same command goes on with it; {last}"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
