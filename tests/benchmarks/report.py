"""How long `frostline report` takes to read many runs and to say what is amiss with them.

    python tests/benchmarks/report.py [RUNS]

Made folders with the files of real runs: 4 strategies, 5 data sets, and seeds for the rest; once with the config within
result.json, once in a config.yaml beside it.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import report_folders as folders
from frostline import cli

RUNS = 10_000
STRATEGIES = ["bitfit", "frozen", "full", "lp_ft"]
DATASETS = ["movies", "nyt", "tweets", "amazon", "books"]


def make(root: Path, runs: int, inside: bool) -> None:
    for domain in DATASETS:
        more: dict[str, Any] = {"choices": {"dataset": f"vader_{domain}"}, "config": {"dataset.domain": domain}}
        folders.grid(root, STRATEGIES, range(runs // len(STRATEGIES) // len(DATASETS)), **more, inside=inside)


def measure(root: Path) -> float:
    """Seconds of a command, but for starting Python."""
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        cli.main(["report", str(root), "--cols", "dataset"])
    return time.perf_counter() - begin


def main(runs: int = RUNS) -> None:
    for inside in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), runs, inside)
            where = "within result.json" if inside else "in config.yaml"
            print(f"{runs:,} runs, config {where}: {measure(Path(folder)):.1f} s, again {measure(Path(folder)):.1f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
