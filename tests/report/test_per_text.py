"""Rows compared text by text (frostline.report.per_text, frostline.report.crossed_tests)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy import stats

import report_folders as folders
from command_line import Command, in_process
from frostline.report.read.results_csv import results_as_csv
from frostline.report.read.run_folders import read_runs
from frostline.report.statistics.mcnemar import mcnemar

frostline = in_process
ASKED = ["report", "runs", "--baseline", "freezing=frozen", "--texts", "--format", "json"]
TEXTS = 400


def predict(folder: Path, accuracy: float, seed: int, shift: int = 0) -> np.ndarray:
    """Write predictions in another order, with a second test set that is all wrong; return which texts are correct."""
    rng = np.random.default_rng(seed)
    labels = np.arange(TEXTS) % 3
    right = np.random.default_rng(seed + 100).random(TEXTS) < accuracy
    predicted = np.where(right, labels, (labels + 1) % 3)
    probabilities = np.full((TEXTS, 3), 0.2)
    probabilities[np.arange(TEXTS), predicted] = 0.6
    order = rng.permutation(TEXTS)
    columns = {"id": order + shift, "label": labels[order]} | {f"p_{c}": probabilities[order, c] for c in range(3)}
    wrong = {"id": np.arange(9), "label": np.full(9, 2), "p_0": np.ones(9), "p_1": np.zeros(9), "p_2": np.zeros(9)}
    tables = [
        pa.table({"set": [name] * len(split["id"]), **split}) for name, split in (("test_x", wrong), ("test", columns))
    ]
    parquet.write_table(pa.concat_tables(tables), folder / "predictions.parquet")
    return right


def test_texts_are_matched_by_id_and_their_difference_is_reported(frostline: Command) -> None:
    made = folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    right = {
        key: predict(folder, 0.6 + 0.2 * (key[0] == "full"), key[1] + 10 * (key[0] == "full"))
        for key, folder in made.items()
    }
    result = json.loads(frostline(*ASKED).out)
    (difference,) = result["texts"]
    gaps = np.mean([right["full", seed].astype(int) - right["frozen", seed] for seed in (1, 2)], axis=0)
    assert (difference["freezing"], difference["texts"]) == ("full", TEXTS)
    assert difference["difference"] == pytest.approx(gaps.mean())
    assert [difference["low"], difference["high"]] == pytest.approx(
        gaps.mean() + np.array([-1.96, 1.96]) * stats.sem(gaps), abs=0.004
    )
    raw = [mcnemar(right["full", seed], right["frozen", seed]) for seed in (1, 2)]
    assert sorted(difference["mcnemar_p_holm"].values()) == pytest.approx(
        sorted([min(raw) * 2, max(min(raw) * 2, max(raw))])
    )
    assert result["warnings"] == []
    assert (difference["interval"], difference["p_holm"]) == ("over texts", None)
    page = frostline(*ASKED[:-2]).out
    assert "over 2 seeds and 400 texts; McNemar's test" in page
    assert "With fewer than 3 seeds the interval is over texts alone, for these trained models." in page


def test_mcnemar_is_the_textbook_s() -> None:
    """Of 20 texts on which the runs differ, one is right on 15: 2 x P(at least 15 heads of 20) = 0.0414."""
    correct = np.array([True] * 15 + [False] * 5 + [True] * 100)
    baseline = np.array([False] * 15 + [True] * 5 + [True] * 100)
    assert mcnemar(correct, baseline) == pytest.approx(0.0414, abs=5e-5)
    assert mcnemar(correct, correct) == 1.0


def seeds_with_predictions(seeds: int, better: float = 0.0, rows: tuple[str, ...] = ("frozen", "full")) -> None:
    """Runs whose results have the accuracy of their predictions."""
    for at, freezing in enumerate(rows):
        for seed in range(1, seeds + 1):
            folder = folders.run(Path("runs"), freezing, seed, 0.7)
            right = predict(folder, 0.6 + better * at, seed + 100 * at)
            folders.edit(folder / "result.json", {"metrics": {"test/accuracy": right.mean(), "test/f1_macro": 0.5}})


@pytest.mark.parametrize("seeds", [3, 5])
def test_too_few_seeds_for_a_sign_flip_test_are_tested_over_seeds_and_texts(seeds: int, frostline: Command) -> None:
    seeds_with_predictions(seeds, better=0.2)
    words = ["report", "runs", "--metric", "test/accuracy", "--baseline", "freezing=frozen"]
    _, full = json.loads(frostline(*words, "--format", "json").out)["rows"]
    assert full["test"] == "t test over seeds and texts"
    assert full["p"] < 0.05 and full["better"]
    page = frostline(*words).out
    assert f"p: t test over {seeds} seeds and all test texts, clustered by both, where the interval is over" in page
    (by_text,) = json.loads(frostline(*words, "--texts", "--format", "json").out)["texts"]
    assert (by_text["interval"], by_text["p_holm"]) == ("over seeds and texts", full["p"])


def test_so_many_comparisons_that_no_sign_flip_test_can_decide_are_tested_over_texts(frostline: Command) -> None:
    """Six seeds suffice for one comparison, and for two in a table seven are needed."""
    words = ["report", "runs", "--metric", "test/accuracy", "--baseline", "freezing=frozen", "--format", "json"]
    seeds_with_predictions(6, better=0.1, rows=("frozen", "full", "top_k"))
    result = json.loads(frostline(*words).out)
    assert {cell["test"] for cell in result["rows"]} == {None, "t test over seeds and texts"}
    one = json.loads(frostline(*words, "--where", "freezing=frozen,full").out)
    assert one["rows"][1]["test"] == "exact paired sign-flip permutation"
    for file in Path("runs").glob("*/predictions.parquet"):
        file.unlink()
    result = json.loads(frostline(*words).out)
    assert {cell["test"] for cell in result["rows"]} == {None, "exact paired sign-flip permutation"}
    assert "No p of a sign-flip test can be below 0.05 here: 2 comparisons need 7 or more pairs." in result["notes"]


def test_two_seeds_and_runs_without_predictions_have_no_test(frostline: Command) -> None:
    words = ["report", "runs", "--metric", "test/accuracy", "--baseline", "freezing=frozen"]
    seeds_with_predictions(2, better=0.2)
    assert "Too few pairs for a test in 1 of 1 comparisons (2): a sign-flip test needs 6" in frostline(*words).out
    folders.run(Path("runs"), "full", 3, 0.7)
    folders.run(Path("runs"), "frozen", 3, 0.6)
    assert "Too few pairs for a test in 1 of 1 comparisons (3): a sign-flip test needs 6" in frostline(*words).out


def test_predictions_of_another_score_than_the_result_s_are_not_tested(frostline: Command) -> None:
    seeds_with_predictions(3, better=0.2)
    words = ["report", "runs", "--metric", "test/f1_macro", "--baseline", "freezing=frozen", "--format", "json"]
    result = json.loads(frostline(*words).out)
    assert result["rows"][1]["p"] is None
    assert "does not give the score of result.json: not tested over seeds and texts" in result["warnings"][-1]


def test_the_same_runs_in_a_csv_have_no_predictions(frostline: Command) -> None:
    """Or a table of the csv would depend on the folders that happen to be there."""
    seeds_with_predictions(3, better=0.2)
    Path("results.csv").write_text(results_as_csv(read_runs(["runs"])))
    words = ["--metric", "test/accuracy", "--baseline", "freezing=frozen", "--format", "json"]
    tests = [json.loads(frostline("report", path, *words).out)["rows"][1]["p"] for path in ("runs", "results.csv")]
    assert tests[0] is not None and tests[1] is None


def test_absent_predictions_and_other_texts_are_named(frostline: Command) -> None:
    made = folders.grid(Path("runs"), ["frozen", "full"], [1, 2, 3])
    for (_, seed), folder in made.items():
        predict(folder, 0.7, seed, shift=0)
    predict(made["full", 2], 0.7, 2, shift=5)
    (made["full", 3] / "predictions.parquet").unlink()
    result = json.loads(frostline(*ASKED).out)
    absent, unequal = result["warnings"]
    assert "1 run without a predictions.parquet" in absent and str(made["full", 3]) in absent
    assert "1 pair of runs that were not tested on the same texts" in unequal and str(made["full", 2]) in unequal
    assert list(result["texts"][0]["mcnemar_p_holm"]) == ["seed 1"]


def test_without_a_baseline_there_is_nothing_to_compare(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen"], [1])
    result = frostline("report", "runs", "--texts")
    assert (result.status, result.problems()) == (2, ["--texts: needs a baseline; give --baseline KEY=VALUE too"])
