"""How large the page of many runs is, and how long a browser takes to sort its table.

    python tests/benchmarks/page.py [RUNS]

Made folders with the files of real runs, a row a run. The time is from the click until the rows stand in their new
order, layout included, by the page's own performance.now.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import report_folders as folders
from browser import DESK, chromium
from frostline import cli

RUNS, TIMES = 500, 11
STRATEGIES = ["bitfit", "frozen", "full", "lp_ft", "top_k"]
SORT = """const button = document.querySelectorAll("thead button")[arguments[0]];
const begin = performance.now();
button.click();
document.body.offsetHeight;
return performance.now() - begin;"""


def main(runs: int = RUNS) -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        root, page = Path(folder), Path(folder, "page.html")
        folders.grid(root, STRATEGIES, range(runs // len(STRATEGIES)))
        cli.main(["report", folder, "--per-seed", "--format", "html", "--into", str(page)])
        print(f"{runs} runs: {page.stat().st_size / 1e6:.2f} MB")
        browser.look(DESK)
        browser.open(page)
        for column in range(3):
            times = [browser.do(SORT, column) for _ in range(TIMES)]
            print(f"column {column + 1}: {median(times):.0f} ms to sort, at most {max(times):.0f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
