"""Jobs a minute against the number of heads: one by one, two at a time with joblib, and trained together.

    python tests/benchmarks/sweeps.py [HEADS ...]           # writes experiments/sweeps/jobs.json for its picture.py

minilm on vader_movies, frozen, five epochs, over a warm store; each sweep is a command of its own, from its start to
its end. One by one and two at a time no more than MOST heads are trained: however many, each takes as long.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from fused import sweep
from timing import table

HEADS = [4, 8, 16, 32, 64, 128, 256]
MOST = {"basic": 16, "joblib": 32, "fused": 256}
WORDS = {"basic": [], "joblib": ["hydra.launcher.n_jobs=2"], "fused": []}
FIGURES = Path(__file__).resolve().parents[2] / "experiments" / "sweeps" / "jobs.json"


def measure(heads: list[int]) -> dict[str, dict[int, float]]:
    """Launcher -> number of heads -> jobs a minute."""
    found: dict[str, dict[int, float]] = {launcher: {} for launcher in MOST}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        sweep(root / "first", root / "store", 4, "fused", ["trainer.max_epochs=1"])
        for count in heads:
            for launcher, most in MOST.items():
                if count <= most:
                    more = ["trainer.max_epochs=5", *WORDS[launcher]]
                    seconds = sweep(root / f"{launcher}{count}", root / "store", count, launcher, more)
                    found[launcher][count] = 60 * count / seconds
                    print(f"{launcher}, {count} heads: {seconds:.0f} s", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    figures = measure([int(word) for word in sys.argv[1:]] or HEADS)
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    rows = {f"{launcher}, {n} heads": [rate] for launcher, own in figures.items() for n, rate in own.items()}
    print(table(rows, "jobs a minute"))
