"""Jobs a minute of a sweep over heads: one by one over a warm store, and trained together.

    python tests/benchmarks/fused.py HEADS [ROUNDS] [CONFIG ...]

minilm on vader_movies, frozen, two threads, records in the folder alone; each sweep is a command of its own, from its
start to its end. One by one only ALONE of the heads are trained, as all of them would take hours; the seconds that the
command needs before its first job are counted once in both.
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

ALONE = 8
SHARED = ["encoder=minilm", "dataset=vader_movies", "freezing=frozen", "logger=csv", "trainer=cpu"]
RATES = [1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2, 3e-2, 5e-2]
DECAYS = [0.0, 0.01, 0.03, 0.1]


def sweep(folder: Path, store: Path, heads: int, launcher: str, more: list[str]) -> float:
    """Seconds of a sweep over seeds, rates and decays into an empty folder."""
    seeds = -(-heads // (len(RATES) * len(DECAYS)))
    rates = RATES if heads >= len(RATES) else RATES[:heads]
    decays = DECAYS if heads >= len(RATES) * len(DECAYS) else DECAYS[: max(heads // len(RATES), 1)]
    swept = [
        f"seed=range(1,{seeds + 1})",
        f"optimizer.lr={','.join(map(str, rates))}",
        f"optimizer.weight_decay={','.join(map(str, decays))}",
    ]
    words = ["-m", f"hydra/launcher={launcher}", *SHARED, *swept, f"paths.runs={folder}", f"cache.dir={store}", *more]
    shared_out = launcher == "joblib"  # by the launcher itself; a number that is given would be each worker's
    environ = os.environ | ({} if shared_out else {"OMP_NUM_THREADS": "2"})
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "frostline", *words], capture_output=True, text=True, env=environ)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    found = len(list(folder.rglob("result.json")))
    assert found == seeds * len(rates) * len(decays), found
    return seconds


def measure(heads: int, rounds: int, more: list[str]) -> str:
    jobs: dict[str, list[float]] = {"one by one": [], "fused": []}
    seconds: dict[str, list[float]] = {"fused, empty store": [], "fused, warm store": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            root = Path(place)
            seconds["fused, empty store"].append(sweep(root / "empty", root / "store", heads, "fused", more))
            seconds["fused, warm store"].append(sweep(root / "warm", root / "store", heads, "fused", more))
            jobs["fused"].append(60 * heads / seconds["fused, warm store"][-1])
            jobs["one by one"].append(60 * ALONE / sweep(root / "alone", root / "store", ALONE, "basic", more))
    ratio = {"fused / one by one": pairs(jobs["fused"], jobs["one by one"])}
    return "\n\n".join(
        [table(seconds, f"seconds for {heads} heads"), table(jobs, "jobs a minute"), table(ratio, "ratio")]
    )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if re.fullmatch(r"\d+", word)]
    print(measure(numbers[0], numbers[1] if len(numbers) > 1 else 1, [w for w in sys.argv[1:] if "=" in w]))
