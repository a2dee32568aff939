"""The intervals and tests of a report on simulated runs: what covers, what finds falsely, and what the page says."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import interval_coverage as simulation
from command_line import Command, in_process
from frostline.report.read.results_csv import results_as_csv
from frostline.report.read.runs import COMPLETE, RunRecord

frostline = in_process
HOUSE = Path(__file__).resolve().parents[3]
SYMMETRIC = [shape for shape in simulation.SHAPES if "skewed (" not in shape]
SKEWED = {"skewed (exponential)": 0.86, "strongly skewed (log-normal)": 0.80}  # less than 95%, as the page says


def errors(share: float, number: int, count: float = 3) -> float:
    """So many standard errors of a share of simulated cases."""
    return count * math.sqrt(share * (1 - share) / number)


@pytest.mark.parametrize("seeds", simulation.SEEDS)
@pytest.mark.parametrize("shape", simulation.SHAPES)
def test_the_interval_of_a_difference_covers(shape: str, seeds: int) -> None:
    covered = simulation.difference_coverage(shape, seeds, 2000)
    assert covered >= SKEWED.get(shape, 0.95) - errors(0.95, 2000)
    if shape == "normal":
        assert covered <= 0.95 + errors(0.95, 2000)


@pytest.mark.parametrize("seeds", simulation.SEEDS)
def test_intervals_of_scores_and_of_shares_of_a_gap_cover(seeds: int) -> None:
    for covered in (simulation.score_coverage(0.7, seeds, 2000), simulation.gap_coverage(4, seeds, 2000)):
        assert covered >= 0.945 - errors(0.95, 2000)
    assert simulation.score_coverage(0.97, seeds, 2000) >= 0.87  # skewed, as the page says


@pytest.mark.parametrize("seeds", simulation.SEEDS)
@pytest.mark.parametrize(("seed_std", "interaction"), [(0.0, 0.0), (0.3, 0.0), (0.1, 1.0)])
def test_the_test_over_seeds_and_texts_rarely_finds_what_is_not_there(
    seeds: int, seed_std: float, interaction: float
) -> None:
    """A seed effect of 0.3 logits is a standard deviation of about 4 points of accuracy."""
    for metric in ("accuracy", "f1_macro"):
        assert simulation.crossed_findings(metric, seeds, seed_std, interaction, 200) <= 0.05 + errors(0.05, 200)


def test_tests_of_texts_alone_would_take_seeds_for_arms() -> None:
    """Or nothing would be gained: McNemar's test of two trained models of equal arms."""
    assert simulation.mcnemar_findings(0.3, 200) > 0.1


def test_the_test_over_seeds_and_texts_finds_what_is_there() -> None:
    assert simulation.power(3, 0.1, 0.3, 100) > 0.4
    assert simulation.power(5, 0.1, 0.3, 100) > 0.85


@pytest.mark.parametrize("seeds", [8, 10])
@pytest.mark.parametrize("shape", SYMMETRIC)
def test_sign_flips_rarely_find_what_is_not_there(shape: str, seeds: int) -> None:
    assert simulation.sign_flip_findings(shape, seeds, 500) <= 0.05 + errors(0.05, 500)


@pytest.mark.parametrize("seeds", simulation.SEEDS)
def test_the_command_s_intervals_cover(seeds: int, frostline: Command) -> None:
    """150 comparisons in one table; the true difference is 0.03."""
    rng, comparisons = np.random.default_rng(seeds), 150
    scores = {"frozen": 0.6 + 0.02 * rng.normal(size=(comparisons, seeds))}
    scores["full"] = scores["frozen"] + 0.03 + 0.02 * rng.standard_t(3, size=(comparisons, seeds))
    runs = [
        RunRecord(
            f"runs/{freezing}-{study}-{seed}",
            COMPLETE,
            f"{freezing}-{study}-{seed}",
            {"freezing": freezing, "dataset": f"d{study}"},
            {"seed": seed},
            {"test/f1_macro": float(scores[freezing][study, seed])},
        )
        for freezing in scores
        for study in range(comparisons)
        for seed in range(seeds)
    ]
    Path("results.csv").write_text(results_as_csv(runs), encoding="utf-8")
    words = ["--cols", "dataset", "--baseline", "freezing=frozen", "--format", "json"]
    result = frostline("report", "results.csv", *words)
    assert result.status == 0, result.err
    cells = [cell for cell in json.loads(result.out)["rows"] if cell["freezing"] == "full"]
    covered = [cell["difference_low"] <= 0.03 <= cell["difference_high"] for cell in cells]
    assert len(covered) == comparisons
    assert np.mean(covered) >= 0.95 - errors(0.95, comparisons)


@pytest.mark.slow
def test_the_page_has_the_simulated_figures() -> None:
    page = (HOUSE / "experiments" / "report" / "README.md").read_text(encoding="utf-8")
    assert all(line in page for line in simulation.tables().splitlines() if line.startswith("|"))
