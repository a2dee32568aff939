"""frostline vectors RUN ...: vectors of each run's test texts, before and after, for report and figures to draw.

The encoder is built again from the record, and up to 1,000 test texts are read by it as the run began and with the
weights that the run has kept. They go into vectors.parquet in the run's folder, with t-SNE of both (perplexity 30, seed
0); nothing else there is touched. Where the file is there already, nothing is done. Needs frostline[report].
"""

from __future__ import annotations

import importlib.util

from frostline.errors import Problem, UserError
from frostline.results.atomic_files import read_json
from frostline.results.compare.inputs import complete
from frostline.results.folder import RunFolder


def main(argv: list[str]) -> int:
    """Raises UserError with all runs whose vectors cannot be had; those of the others are made."""
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    if not argv:
        raise UserError(Problem("vectors", "no run is named", "give its folder"), "command")
    runs = complete(argv)
    if importlib.util.find_spec("sklearn") is None:
        do = "pip install 'frostline[report]'"
        raise UserError(Problem("scikit-learn", "is not installed, and makes t-SNE", do), "command")
    problems: list[Problem] = []
    for run in runs:
        try:
            print(f"{run.vectors}: {_made(run)}")
        except UserError as error:
            problems += [Problem(f"{run.path}: {one.key}", one.what, one.do) for one in error.problems]
    if problems:
        raise UserError(problems, "command")
    return 0


def _made(run: RunFolder) -> str:
    """What there is now, in words."""
    if run.vectors.exists():
        return "there already"
    from frostline.reproduce.representations import represented, write

    found = represented(run)
    with run.claimed({"id": read_json(run.result)["id"]}):
        write(run.vectors, found)
    texts = f"{len(found.places):,} test texts"
    return f"{texts}, the same before and after: the encoder rested" if found.rested else f"{texts}, before and after"
