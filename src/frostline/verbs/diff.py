"""frostline diff RUN RUN [--tolerance 1e-4]: what two complete runs have in common, and why they differ.

Config, plan, environment; then metrics, curves, predictions and weights: equal to the bit, near (no number farther
away than the tolerance), or different, and which recorded difference is the likely reason. Exit status 1 where results
differ.
"""

from __future__ import annotations

from frostline.compared.aspect import DIFFERS
from frostline.compared.runs import Comparison
from frostline.compared.words import complete, tolerance_of
from frostline.errors import Problem, UserError


def main(argv: list[str]) -> int:
    """Raises UserError where one of the two is no complete run."""
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    tolerance, words = tolerance_of(argv)
    if len(words) != 2:
        raise UserError(Problem("diff", f"takes two runs, not {len(words)}", "give their folders"), "command")
    first, second = complete(words)
    comparison = Comparison(first, second, tolerance)
    print(comparison.told())
    return int(comparison.verdict == DIFFERS)
