"""Queries of a report: rows, columns, filters, folds, and wrong queries.

Tests frostline.commands.report, frostline.report.query, frostline.report.build, frostline.report.cells.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import report_folders as folders
from command_line import Command, in_process

frostline = in_process


def rows(frostline: Command, *words: str) -> list[dict[str, Any]]:
    result = frostline("report", *words, "--format", "json")
    assert result.status == 0, result.err
    cells: list[dict[str, Any]] = json.loads(result.out)["rows"]
    return cells


def test_any_key_or_group_may_be_a_row_or_a_column(frostline: Command) -> None:
    for rate in (0.001, 0.01):
        folders.grid(Path("runs"), ["frozen", "full"], [1, 2], config={"optimizer.lr": rate})
    cells = rows(frostline, "runs", "--rows", "freezing,optimizer.lr", "--cols", "head", "--metric", "test/loss")
    assert [(row["freezing"], row["optimizer.lr"], row["head"], row["n"]) for row in cells] == [
        (freezing, rate, "linear", 2) for freezing in ("frozen", "full") for rate in (0.001, 0.01)
    ]


def test_a_filter_takes_numbers_as_they_are_written(frostline: Command) -> None:
    for rate in (0.001, 0.01):
        folders.grid(Path("runs"), ["frozen", "full"], [1, 2], config={"optimizer.lr": rate})
    cells = rows(frostline, "runs", "--rows", "optimizer.lr", "--where", "optimizer.lr=1e-3,freezing=full")
    assert [(row["optimizer.lr"], row["n"]) for row in cells] == [(0.001, 2)]
    assert len(rows(frostline, "runs", "--where", "dataset.shots=null")) == 2


def test_folds_of_a_seed_are_one_measurement(frostline: Command) -> None:
    for fold, score in enumerate((0.6, 0.7, 0.8)):
        for seed in (1, 2):
            config = {"dataset.folds": 3, "dataset.fold": fold}
            folders.run(Path("runs"), "full", seed, score + 0.02 * seed, config=config)
    (cell,) = rows(frostline, "runs", "--metric", "test/accuracy")
    assert (cell["n"], cell["runs"]) == (2, 6)
    assert cell["values"] == pytest.approx({"1": 0.72, "2": 0.74})
    assert "averaged first" in frostline("report", "runs").out


def test_a_difference_is_paired_by_seed_and_fold(frostline: Command) -> None:
    """A fold that one row lacks is left out of the other row too."""
    for fold, score in enumerate((0.6, 0.9)):
        for seed in (1, 2):
            config = {"dataset.folds": 2, "dataset.fold": fold}
            folders.run(Path("runs"), "frozen", seed, score, config=config)
            if (seed, fold) != (2, 1):
                folders.run(Path("runs"), "full", seed, score + 0.05, config=config)
    _, full = rows(frostline, "runs", "--metric", "test/accuracy", "--baseline", "freezing=frozen")
    assert full["pairs"] == 2 and full["difference"] == pytest.approx(0.05)
    assert full["test"] == "too few pairs for a test"


def test_the_gap_closed_is_computed_for_each_seed(frostline: Command) -> None:
    """A seed that one of the three rows lacks has no share; a loss, which decreases, has shares like a score."""
    scores = {"direct": (0.5, 0.52, 0.5), "frozen": (0.6, 0.7, 0.6), "full": (0.7, 0.92)}
    for freezing, seed_scores in scores.items():
        for seed, score in enumerate(seed_scores, 1):
            folders.run(Path("runs"), freezing, seed, score, metrics={"test/loss": 2 - score})
    for metric in ("test/accuracy", "test/loss"):
        words = ["runs", "--metric", metric, "--baseline", "freezing=direct", "--ceiling", "freezing=full"]
        direct, frozen, full = rows(frostline, *words)
        assert frozen["values"] == pytest.approx({"1": (0.6 - 0.5) / (0.7 - 0.5), "2": (0.7 - 0.52) / (0.92 - 0.52)})
        assert (frozen["n"], frozen["mean"]) == (2, pytest.approx(0.475))
        assert (direct["mean"], full["mean"]) == pytest.approx((0, 1))
        assert "difference" not in frozen
    assert (
        "Share of the gap closed, seed by seed: 0 is freezing=direct, 1 is freezing=full."
        in frostline("report", *words).out
    )


def test_a_collapsed_run_is_left_out_of_shares_and_counted_apart(frostline: Command) -> None:
    """Half of the texts are of the largest class."""
    for freezing, scores in {"direct": (0.3, 0.3), "frozen": (0.7, 0.5), "full": (0.9, 0.9)}.items():
        for seed, score in enumerate(scores, 1):
            folders.run(Path("runs"), freezing, seed, score)
    words = ["--metric", "test/accuracy", "--baseline", "freezing=direct", "--ceiling", "freezing=full"]
    _, frozen, _ = rows(frostline, "runs", *words)
    assert (frozen["n"], frozen["collapsed"], frozen["n_with_collapsed"]) == (1, 1, 2)
    assert (frozen["mean"], frozen["mean_with_collapsed"]) == pytest.approx((2 / 3, 1 / 2))


def test_without_a_gap_there_are_no_shares(frostline: Command) -> None:
    for freezing, scores in {"direct": (0.7, 0.7), "frozen": (0.8, 0.8), "full": (0.9, 0.65)}.items():
        for seed, score in enumerate(scores, 1):
            folders.run(Path("runs"), freezing, seed, score)
    words = ["runs", "--baseline", "freezing=direct", "--ceiling", "freezing=full"]
    assert [row["n"] for row in rows(frostline, *words)] == [0, 0, 0]
    result = frostline("report", *words).out
    assert (
        "- no share: the row of the ceiling is missing, or not better in each seed than that of the baseline: freezing="
        in result
    )
    wrong = frostline("report", "runs", "--ceiling", "freezing=ful")
    assert (wrong.status, wrong.problems()) == (
        2,
        [
            "--ceiling: needs a baseline; give --baseline KEY=VALUE too",
            "--ceiling freezing: no row is ful; did you mean full?",
        ],
    )


def test_a_baseline_of_two_keys_is_that_of_each_other_key(frostline: Command) -> None:
    for head, better in (("linear", 0.0), ("mlp", 0.1)):
        for freezing, more in (("frozen", 0.0), ("full", 0.05)):
            config = {"head._target_": f"frostline.models.heads.{head}"}
            score = 0.6 + better + more
            folders.run(Path("runs"), freezing, 1, score, choices={"head": head}, config=config)
    words = ["runs", "--rows", "freezing,head", "--metric", "test/accuracy", "--baseline"]
    cells = rows(frostline, *words, "freezing=frozen")
    assert [row["difference"] for row in cells] == [None, None, pytest.approx(0.05), pytest.approx(0.05)]
    cells = rows(frostline, *words, "freezing=frozen,head=linear")
    assert [row["difference"] for row in cells] == [None, *map(pytest.approx, (0.1, 0.05, 0.15))]


def test_rows_that_differ_in_texts_are_paired_by_seed(frostline: Command) -> None:
    for shots, score in ((4, 0.6), (8, 0.7)):
        for seed in (1, 2):
            folders.run(Path("runs"), "full", seed, score, config={"dataset.shots": shots})
    words = ["--rows", "dataset.shots", "--metric", "test/accuracy", "--baseline", "dataset.shots=4"]
    assert rows(frostline, "runs", *words)[1]["difference"] == pytest.approx(0.1)


def test_means_are_reported_with_and_without_collapsed_runs(frostline: Command) -> None:
    for seed, score in ((1, 0.8), (2, 0.7), (3, 0.5)):
        folders.run(Path("runs"), "full", seed, score)
    (cell,) = rows(frostline, "runs", "--metric", "test/accuracy")
    assert (cell["n"], cell["n_with_collapsed"], cell["collapsed"]) == (2, 3, 1)
    assert [cell["mean"], cell["mean_with_collapsed"]] == pytest.approx([0.75, 2 / 3])
    table = frostline("report", "runs", "--interval").out
    assert "0.675 ± 0.064 (n=2 of 3, 1 collapsed)" in table  # Student's t interval would be [0.103, 1.247]
    assert "No interval with fewer than 3 seeds" in table
    assert "0.675 ± 0.064 (n=2 of 3, 1 collapsed)" in frostline("report", "runs").out


def test_a_run_that_predicts_the_smaller_classes_has_not_collapsed(frostline: Command) -> None:
    """Half of the test texts are of one class, which it predicts too rarely. A guess has a macro-F1 of at most 1/3."""
    for seed, score, f1 in ((1, 0.7, 0.63), (2, 0.45, 0.34), (3, 0.45, 0.33)):
        folders.run(Path("runs"), "full", seed, score, metrics={"test/f1_macro": f1})
    (cell,) = rows(frostline, "runs", "--metric", "test/f1_macro")
    assert (cell["collapsed"], cell["values"]) == (1, {"1": 0.63, "2": 0.34})


@pytest.mark.parametrize("scores", [(0.5, 0.48, 0.47), (0.5, 0.52, 0.55)])
def test_a_weak_arm_has_not_collapsed(scores: tuple[float, ...], frostline: Command) -> None:
    """All at the share of the largest class, or none clearly above it: 0.6 would be, of 100 texts."""
    for seed, score in enumerate(scores):
        folders.run(Path("runs"), "full", seed, score)
    assert "collapsed" not in frostline("report", "runs").out


def test_a_config_within_the_result_is_read_alike(frostline: Command) -> None:
    folders.grid(Path("beside"), ["frozen", "full"], [1, 2])
    folders.grid(Path("within"), ["frozen", "full"], [1, 2], inside=True)
    options = ["--rows", "optimizer.lr,freezing", "--baseline", "freezing=frozen"]
    assert frostline("report", "within", *options).out == frostline("report", "beside", *options).out


def test_folders_are_found_wherever_they_were_copied_to(frostline: Command) -> None:
    folders.grid(Path("runs/study"), ["frozen", "full"], [1, 2])
    table = frostline("report", "runs").out
    shutil.move("runs", "elsewhere")
    assert frostline("report", "elsewhere/study").out == table
    assert frostline("report", *map(str, Path("elsewhere/study").iterdir())).out == table
    Path("elsewhere/study/round").symlink_to(Path("elsewhere").absolute())
    assert frostline("report", "elsewhere", "elsewhere/study").out == table


def test_all_mistakes_are_reported_at_once(frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], [1, 2])
    words = ["runs", "nowhere", "--rows", "freezin", "--cols", "optimizer.lrr", "--metric", "test/f1_makro", "--grid"]
    result = frostline("report", *words, "--where", "freezing=ful", "--baseline", "head=linear", "--format", "excel")
    assert (result.status, result.out) == (2, "")
    assert result.err.splitlines()[0] == "command has 8 problems:"
    assert result.problems() == [
        "--grid: no such option of report; choose one of: --rows, --cols, --metric, --where, --baseline, --ceiling, "
        "--format, --into, --extra, --interval, --per-seed, --texts",
        "--format: no format is called excel; choose one of: markdown, latex, csv, json, html",
        "nowhere: is no folder; give the folder of a run, of a study, or of all runs",
        "--rows freezin: no run has this key; did you mean freezing?",
        "--cols optimizer.lrr: no run has this key; did you mean optimizer.lr?",
        "--metric test/f1_makro: no run has this metric; did you mean test/f1_macro?",
        "--where freezing: no run has ful; did you mean full?",
        "--baseline head: is no key of the rows; give one of: freezin",
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "report: names no folder; give frostline report PATH"),
        (["empty"], "empty: contains no run; give a folder below which there is a result.json"),
        (["runs", "--metric"], "--metric: has no value; give --metric NAME"),
        (["runs", "--rows", "--per-seed"], "--rows: has no value; give --rows KEY"),
        (["runs", "--where", "full"], "--where: 'full' names no key; give --where KEY=VALUE, such as freezing=frozen"),
        (["runs", "--baseline", "freezing=ful"], "--baseline freezing: no row is ful; did you mean full?"),
        (
            ["runs", "--where", "freezing=full,seed=3"],
            "--where: no run meets all conditions; leave one of the conditions out",
        ),
    ],
)
def test_a_query_that_cannot_be_answered_is_reported(words: list[str], problem: str, frostline: Command) -> None:
    folders.grid(Path("runs"), ["frozen"], [1, 2, 3])
    folders.grid(Path("runs"), ["full"], [1, 2])
    Path("empty").mkdir()
    result = frostline("report", *words)
    assert (result.status, result.problems()) == (2, [problem])


def test_a_folder_of_nothing_but_failures_is_an_error_that_names_them(frostline: Command) -> None:
    folders.failed(folders.run(Path("runs"), name="one"))
    (folders.run(Path("runs"), name="other") / "result.json").write_text("{")
    result = frostline("report", "runs")
    do = "repeat the runs that failed, or give another folder"
    assert (result.status, result.problems()) == (
        2,
        [
            "runs: no complete run: 1 run failed without a result: runs/one (FrostlineError: the loss is not "
            f"finite); {do}",
            f"runs: no complete run: 1 run with a file that cannot be read: runs/other (the file is truncated); {do}",
        ],
    )


@pytest.mark.parametrize("form", ["markdown", "json"])
def test_nothing_that_made_the_runs_is_imported(form: str) -> None:
    folders.grid(Path("runs"), ["frozen", "full"], range(1, 8))
    code = (
        "import sys\nfrom frostline import cli\ncli.main()\n"
        "heavy = {'torch', 'lightning', 'hydra', 'omegaconf', 'transformers', 'wandb', 'pandas', 'pyarrow', 'peft'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    words = ["report", "runs", "--baseline", "freezing=frozen", "--format", form]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_is_there_without_scipy(frostline: Command) -> None:
    code = "import sys\nfrom frostline import cli\ncli.main()\nassert not {'scipy', 'numpy', 'yaml'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, "report", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--baseline KEY=VALUE" in done.stdout


@pytest.mark.slow
def test_real_runs_make_a_table(frostline: Command) -> None:
    small = ["dataset.max_train=64", "dataset.max_val=64", "dataset.max_test=64", "trainer.max_epochs=1", "logger=csv"]
    assert frostline("-m", "freezing=direct,frozen", "seed=1,2,3", *small).status == 0
    result = json.loads(frostline("report", "runs", "--metric", "test/accuracy", "--format", "json").out)
    assert [(row["freezing"], row["n"]) for row in result["rows"]] == [("direct", 3), ("frozen", 3)]
    for row in result["rows"]:
        for seed, value in row["values"].items():
            (file,) = Path("runs").glob(f"*/{row['freezing']}-*-s{seed}-*/result.json")
            assert json.loads(file.read_text())["metrics"]["test/accuracy"] == value
    assert [warning for warning in result["warnings"] if "uncommitted" not in warning] == []
    words = ["report", "runs", "--baseline", "freezing=direct", "--metric", "test/accuracy,test/f1_macro"]
    tested = json.loads(frostline(*words, "--format", "json").out)["rows"][2:]
    assert {cell["test"] for cell in tested} == {"t test over seeds and texts"}  # predictions have the recorded scores
