"""What a job of a multirun costs beyond building its parts, fitting and scoring: Hydra, W&B, the record.

    python tests/benchmarks/jobs.py [JOBS]

One process runs JOBS seeds of bert_tiny with a frozen encoder on vader_movies, W&B offline, in a folder of its own.
The first job imports what all need and is left out.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from timing import Stopwatch, table

from frostline import cli

JOBS = 8
SHARED = ["encoder=bert_tiny", "dataset=vader_movies", "freezing=frozen", "trainer=cpu", "trainer.max_epochs=2"]


def measure(jobs: int = JOBS) -> dict[str, list[float]]:
    """Seconds of each job but the first: in all, at work, and beyond."""
    import lightning.pytorch as pl

    from frostline.sweeps import outcome
    from frostline.training import build

    work, ends = Stopwatch(), list[tuple[float, float]]()
    build.build = _timed(build.build, work)
    for name in ("fit", "validate", "test"):
        setattr(pl.Trainer, name, _timed(getattr(pl.Trainer, name), work))
    log_finished = outcome.log_finished
    outcome.log_finished = lambda *args: (ends.append((time.perf_counter(), work.take())), log_finished(*args))[1]
    with contextlib.redirect_stdout(io.StringIO()):
        cli.main(["-m", f"seed=range(1,{jobs + 1})", *SHARED])
    pairs = list(itertools.pairwise(ends))
    whole = [after[0] - before[0] for before, after in pairs]
    inside = [after[1] for _, after in pairs]
    return {
        "whole": whole,
        "building, fitting, scoring": inside,
        "beyond": [a - b for a, b in zip(whole, inside, strict=True)],
    }


def _timed(function: Callable[..., Any], watch: Stopwatch) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        with watch:
            return function(*args, **kwargs)

    return timed


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        print(table(measure(count), "seconds a job"))
