"""frostline diff RUN RUN [--tolerance 1e-4]: what two complete runs have in common, and why they differ.

Config, plan, environment; then metrics, curves, predictions and weights: equal to the bit, near (no number farther
away than the tolerance), or different, and which recorded difference is the likely reason. Exit status 1 where results
differ.
"""

from __future__ import annotations

from frostline import options as typed
from frostline.errors import Problem
from frostline.results.compare.aspects import DIFFERS
from frostline.results.compare.inputs import complete, tolerance_of
from frostline.results.compare.runs import Comparison


def main(argv: list[str]) -> int:
    """Raises UserError where one of the two is no complete run."""
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    words = typed.read("diff", argv, *typed.FLAGS["diff"])
    tolerance = tolerance_of(words)
    if len(words.paths) not in (0, 2):  # none at all is told already
        words.problems.append(Problem("diff", f"takes two runs, not {len(words.paths)}", "give their folders"))
    first, second = complete(words.paths, words.problems)
    comparison = Comparison(first, second, tolerance)
    print(comparison.told())
    return int(comparison.verdict == DIFFERS)
