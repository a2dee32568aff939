"""`frostline diff`: compare two complete runs."""

from __future__ import annotations

from frostline import options
from frostline.errors import Problem
from frostline.results.compare.aspects import DIFFERS
from frostline.results.compare.inputs import complete_runs
from frostline.results.compare.runs import Comparison

PARSER = options.OptionParser(
    "diff",
    "Compare two complete runs and name the likely reason for a difference.",
    """\
Compared are config, plan and environment, then metrics, curves, predictions and weights. Each is equal to the bit, near
(no value differs by more than the tolerance) or different. The exit status is 1 if results differ.
""",
)
options.add_paths(PARSER, "RUN", "the folders of the two runs")
options.add_tolerance(PARSER)


def main(argv: list[str]) -> int:
    """Print the comparison of two runs.

    Raises:
        UserError: one of the two is no complete run.
    """
    given, problems = PARSER.parse_all(argv)
    problems += options.no_paths("diff", given.paths)
    if len(given.paths) not in (0, 2):
        problems.append(Problem("diff", f"takes two runs, not {len(given.paths)}", "give their folders"))
    first, second = complete_runs(given.paths, problems)
    comparison = Comparison(first, second, given.tolerance)
    print(comparison.report())
    return int(comparison.verdict == DIFFERS)
