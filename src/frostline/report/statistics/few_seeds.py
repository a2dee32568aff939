"""What a number of seeds can show, for a message before anything is trained."""

from __future__ import annotations

from frostline.report.statistics.intervals import FEWEST_SEEDS
from frostline.report.statistics.paired import LEVEL, can_be_significant, fewest_pairs


def few_seeds_note(seeds: int, arms: int) -> str:
    """Return what `frostline report` cannot test with so many seeds for each of so many arms; empty if they suffice.

    One arm is the baseline, with which all others are compared in one table.
    """
    comparisons = max(arms - 1, 1)
    if can_be_significant(seeds, comparisons):
        return ""
    corrected = "" if comparisons == 1 else f" after Holm's correction over {comparisons} comparisons"
    needs = f"a sign-flip test needs {fewest_pairs(comparisons)} or more for p < {LEVEL}{corrected}"
    count = f"{seeds} seed{'' if seeds == 1 else 's'} for each arm"
    if seeds < FEWEST_SEEDS:
        return f"{count}: too few for an interval or a test; both need {FEWEST_SEEDS} or more, and {needs}"
    return (
        f"{count}: {needs}; frostline report on the run folders will test accuracy and macro-F1 over seeds and texts "
        "instead, from predictions.parquet"
    )
