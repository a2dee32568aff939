"""Simulates how often intervals contain the true value, and how often tests find a difference where there is none.

python tests/support/interval_coverage.py prints the tables of experiments/report/README.md
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from frostline.report.gap_shares import shares_by_seed
from frostline.report.statistics.by_text import BY_TEXT
from frostline.report.statistics.crossed import CrossedDifference, SplitDifferences, crossed_difference
from frostline.report.statistics.intervals import holm, summarize, t_interval
from frostline.report.statistics.mcnemar import mcnemar
from frostline.report.statistics.paired import can_be_significant, sign_flip

Rng = np.random.Generator
SEEDS = (3, 5, 10)
INTERVALS, TABLES, CROSSED = 10_000, 2000, 1000  # simulated intervals, tables with a test, comparisons over texts
COMPARISONS = 4  # in a table
TEXTS, CLASSES = 300, (0.5, 0.3, 0.2)
HARD = 1.5  # standard deviation of the difficulty of texts, in logits
SHAPES: dict[str, Callable[[Rng, Any], Any]] = {  # with mean 0
    "normal": lambda rng, size: rng.normal(size=size),
    "heavy-tailed (t, 3 degrees of freedom)": lambda rng, size: rng.standard_t(3, size=size),
    "of two skewed scores (exponential)": lambda rng, size: np.subtract(*rng.exponential(size=(2, *size))),
    "skewed (exponential)": lambda rng, size: rng.exponential(size=size) - 1,
    "strongly skewed (log-normal)": lambda rng, size: rng.lognormal(size=size) - np.exp(0.5),
}


def difference_coverage(shape: str, seeds: int, number: int = INTERVALS) -> float:
    """Return how often the interval of a mean difference contains it."""
    values = 0.02 * SHAPES[shape](np.random.default_rng(seeds), (number, seeds))
    return _share(t_interval(row, (-1, 1)) for row in values.tolist())


def score_coverage(mean: float, seeds: int, number: int = INTERVALS) -> float:
    """Return how often the interval of a mean score contains it; scores near 1 are skewed, and clipping applies."""
    values = np.random.default_rng(seeds).beta(40 * mean, 40 * (1 - mean), (number, seeds)).tolist()
    summaries = [summarize(row, (0.0, 1.0)) for row in values]
    return _share(((one.low, one.high) for one in summaries if one.low is not None and one.high is not None), mean)


def gap_coverage(gap: float, seeds: int, number: int = INTERVALS) -> float:
    """Return how often the interval of the share of a gap contains it. gap: in standard deviations over seeds."""
    rng, true = np.random.default_rng(seeds), 0.6
    low, row, high = (rng.normal(at * gap, 1, (number, seeds)).tolist() for at in (0, true, 1))
    scores = [[{(s, None): v for s, v in enumerate(one)} for one in side] for side in (row, low, high)]
    shares = [shares_by_seed("test/accuracy", *one) for one in zip(*scores, strict=True)]
    return _share((t_interval(list(one.values())) for one in shares if one), true)


@dataclass(frozen=True)
class Arm:
    """Labels (T,), and the predicted classes of each seed (S, T)."""

    labels: Any
    predicted: Any


def arms(rng: Rng, seeds: int, seed_std: float, interaction: float = 0.0, texts: int = TEXTS) -> tuple[Arm, Arm]:
    """Return two arms of the same true accuracy.

    The logit of a correct prediction has an effect of the text, one of arm and seed (seed_std), and one of arm and text
    (interaction: some texts are harder for an arm, whatever its seed).
    """
    labels, hard = rng.choice(len(CLASSES), texts, p=CLASSES), rng.normal(1.5, HARD, texts)

    def arm() -> Arm:
        logits = hard + rng.normal(0, seed_std, (seeds, 1)) + rng.normal(0, interaction, texts)
        correct = rng.random((seeds, texts)) < 1 / (1 + np.exp(-logits))
        other = (labels + rng.integers(1, len(CLASSES), (seeds, texts))) % len(CLASSES)
        return Arm(labels, np.where(correct, labels, other))

    return arm(), arm()


def crossed_of(first: Arm, second: Arm, metric: str) -> CrossedDifference:
    values = [[BY_TEXT[metric](arm.labels, row, len(CLASSES)) for row in arm.predicted] for arm in (first, second)]
    ids = np.arange(len(first.labels))
    return crossed_difference(
        [SplitDifferences(s, 0, ids, a - b) for s, (a, b) in enumerate(zip(*values, strict=True))]
    )


def crossed_findings(metric: str, seeds: int, seed_std: float, interaction: float, number: int = CROSSED) -> float:
    """Return how often the test over seeds and texts finds a difference of two equal arms."""
    rng = np.random.default_rng(seeds)
    found = [crossed_of(*arms(rng, seeds, seed_std, interaction), metric) for _ in range(number)]
    assert all((one.p < 0.05) == (one.low > 0 or one.high < 0) for one in found if one.p is not None)
    return float(np.mean([one.p is not None and one.p < 0.05 for one in found]))


def power(seeds: int, seed_std: float, better: float, number: int = CROSSED) -> float:
    """Return how often the test over seeds and texts finds an arm in which a share of the errors is corrected."""
    rng, found = np.random.default_rng(seeds), 0
    for _ in range(number):
        first, second = arms(rng, seeds, seed_std)
        corrected = (second.predicted != second.labels) & (rng.random(second.predicted.shape) < better)
        result = crossed_of(Arm(first.labels, np.where(corrected, second.labels, second.predicted)), first, "accuracy")
        found += result.p is not None and result.p < 0.05 and result.mean > 0
    return found / number


def mcnemar_findings(seed_std: float, number: int = CROSSED) -> float:
    """Return how often McNemar's test of one seed of each arm finds a difference, although the arms are equal."""
    rng, found = np.random.default_rng(0), 0
    for _ in range(number):
        first, second = (arm.predicted[0] == arm.labels for arm in arms(rng, 1, seed_std))
        found += mcnemar(first, second) < 0.05
    return found / number


def sign_flip_findings(shape: str, seeds: int, number: int = TABLES) -> float:
    """Return how often a table of 4 equal rows and their baseline has any p < 0.05 after Holm's correction."""
    rng = np.random.default_rng(seeds)
    rows = SHAPES[shape](rng, (number, COMPARISONS, seeds))
    return float(np.mean([min(holm(list(p_values))) < 0.05 for p_values in sign_flip(rows)]))


def _share(intervals: Iterator[tuple[float, float] | None], true: float = 0.0) -> float:
    return float(np.mean([one is not None and one[0] <= true <= one[1] for one in intervals]))


def coverage_rows() -> Iterator[list[str]]:
    for shape in SHAPES:
        yield ["difference, Student's t", shape, *(f"{difference_coverage(shape, seeds):.1%}" for seeds in SEEDS)]
    for mean in (0.7, 0.97):
        words = f"scores of mean {mean}"
        yield ["mean, Student's t, clipped", words, *(f"{score_coverage(mean, seeds):.1%}" for seeds in SEEDS)]
    for gap in (4, 10):
        words = f"gap of {gap} standard deviations"
        yield ["share of the gap, Student's t", words, *(f"{gap_coverage(gap, seeds):.1%}" for seeds in SEEDS)]
    yield from _crossed_rows("difference over seeds and texts", lambda found: 1 - found)


def findings_rows() -> Iterator[list[str]]:
    for shape in SHAPES:
        able = [can_be_significant(seeds, COMPARISONS) for seeds in SEEDS]
        found = [f"{sign_flip_findings(shape, s):.1%}" if can else "no p" for s, can in zip(SEEDS, able, strict=True)]
        yield ["sign flips, any of 4 after Holm", shape, *found]
    yield from _crossed_rows("over seeds and texts", lambda found: found)


def _crossed_rows(name: str, shown: Callable[[float], float]) -> Iterator[list[str]]:
    for metric in BY_TEXT:
        for seed_std, interaction in ((0.0, 0.0), (0.1, 0.0), (0.3, 0.0), (0.1, 1.0)):
            words = f"{metric}, seed effect {seed_std}, arm and text {interaction}"
            values = [shown(crossed_findings(metric, seeds, seed_std, interaction)) for seeds in SEEDS]
            yield [name, words, *(f"{value:.1%}" for value in values)]


def tables() -> str:
    """Return both tables in markdown."""
    lines = ["| interval | values | 3 seeds | 5 seeds | 10 seeds |", "| --- | --- | --: | --: | --: |"]
    lines += [f"| {' | '.join(row)} |" for row in coverage_rows()]
    lines += ["", "| test | values | 3 seeds | 5 seeds | 10 seeds |", "| --- | --- | --: | --: | --: |"]
    lines += [f"| {' | '.join(row)} |" for row in findings_rows()]
    lines += ["", f"McNemar's test of one seed: {', '.join(f'{mcnemar_findings(std):.1%}' for std in (0.0, 0.1, 0.3))}"]
    found = (f"{seeds} seeds {power(seeds, 0.1, 0.2):.0%}" for seeds in SEEDS)
    lines += [f"Power over seeds and texts, a fifth of the errors corrected: {', '.join(found)}"]
    return "\n".join(lines)


if __name__ == "__main__":
    print(tables())
