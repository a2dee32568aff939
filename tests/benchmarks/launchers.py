"""Jobs a minute of full fine-tuning: two joblib workers of a thread each, against one job after the other.

    python tests/benchmarks/launchers.py JOBS [ROUNDS] [CONFIG ...]

bert_tiny on vader_movies, all of it learning, records in the folder alone; each sweep is a command of its own, from its
start to its end, once with joblib, once one by one with two threads, once with one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import pairs, table

SHARED = ["encoder=bert_tiny", "dataset=vader_movies", "freezing=full", "logger=csv", "trainer=cpu"]
WAYS = {  # the launcher, and the user's own OMP_NUM_THREADS
    "2 workers": (["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], "1"),
    "one by one, 2 threads": ([], "2"),
    "one by one, 1 thread": ([], "1"),
}


def sweep(folder: Path, jobs: int, launcher: list[str], threads: str, more: list[str]) -> float:
    """Jobs a minute of a sweep over seeds into an empty folder."""
    words = ["-m", *launcher, *SHARED, f"seed=range(1,{jobs + 1})", f"paths.runs={folder}", *more]
    environ = os.environ | {"OMP_NUM_THREADS": threads}
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "frostline", *words], capture_output=True, text=True, env=environ)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    assert len(list(folder.rglob("result.json"))) == jobs
    return 60 * jobs / seconds


def measure(jobs: int, rounds: int, more: list[str]) -> str:
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, (launcher, threads) in WAYS.items():
            with tempfile.TemporaryDirectory() as folder:
                rates[way].append(sweep(Path(folder), jobs, launcher, threads, more))
    workers, *alone = WAYS
    ratios = {f"{workers} / {way}": pairs(rates[workers], rates[way]) for way in alone}
    return "\n\n".join([table(rates, f"jobs a minute, {jobs} jobs"), table(ratios, "ratio")])


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if re.fullmatch(r"\d+", word)]
    print(measure(numbers[0], numbers[1] if len(numbers) > 1 else 1, [w for w in sys.argv[1:] if "=" in w]))
