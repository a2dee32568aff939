"""`frostline vectors`: compute the embeddings of test texts before and after training, for report and figures."""

from __future__ import annotations

import importlib.util

from frostline.errors import Problem, UserError
from frostline.options import OptionParser, add_paths
from frostline.results.atomic_files import read_json
from frostline.results.compare.inputs import complete_runs
from frostline.results.folder import RunFolder

PARSER = OptionParser(
    "vectors",
    "Compute the embeddings of each run's test texts before and after training, for report and figures.",
    """\
The encoder is rebuilt from the run's record. Up to 1,000 test texts are encoded with the weights before training and
with the saved weights. The embeddings go to vectors.parquet in the run folder, with a t-SNE projection of both
(perplexity 30, seed 0); no other file changes. A run that has the file is skipped. Needs frostline[report].
""",
)
add_paths(PARSER, "RUN", "the folders of complete runs")


def main(argv: list[str]) -> int:
    """Write vectors.parquet into each run folder.

    Raises:
        UserError: with all runs whose embeddings cannot be computed; the files of the other runs are written.
    """
    paths = PARSER.parse_or_raise(argv).paths
    if not paths:
        raise UserError(Problem("vectors", "names no run", "give its folder"), "command")
    runs = complete_runs(paths)
    if importlib.util.find_spec("sklearn") is None:
        remedy = "pip install 'frostline[report]'"
        raise UserError(Problem("scikit-learn", "is not installed, but t-SNE needs it", remedy), "command")
    problems: list[Problem] = []
    for run in runs:
        try:
            print(f"{run.vectors}: {_make_vectors(run)}")
        except UserError as error:
            problems += [Problem(f"{run.path}: {problem.key}", problem.what, problem.do) for problem in error.problems]
    if problems:
        raise UserError(problems, "command")
    return 0


def _make_vectors(run: RunFolder) -> str:
    """Write the file if it is missing; return a description of its content."""
    if run.vectors.exists():
        return "exists already"
    from frostline.reproduce.representations import embed_recorded, write_embeddings

    embeddings = embed_recorded(run)
    with run.claimed({"id": read_json(run.result)["id"]}):
        write_embeddings(run.vectors, embeddings)
    texts = f"{len(embeddings.indices):,} test texts"
    same = f"{texts}, the same before and after: the encoder was frozen"
    return same if embeddings.frozen else f"{texts}, before and after"
