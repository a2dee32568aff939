"""results.csv of a study (frostline.report.read.results_csv): a report of it equals a report of the run folders."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

import report_folders as folders
from command_line import Command, in_process
from frostline.report.read import results_csv as results
from frostline.report.read import run_folders as reading
from frostline.report.read.runs import RunRecord

frostline = in_process
ASKED = [
    ["--rows", "freezing", "--cols", "dataset", "--metric", "test/accuracy,test/f1_macro"],
    ["--rows", "freezing,optimizer.lr", "--where", "optimizer.lr=0.003"],
    ["--rows", "freezing", "--baseline", "freezing=frozen", "--metric", "test/loss"],
    ["--rows", "head", "--cols", "freezing", "--per-seed", "--metric", "cost/seconds"],
]


def study() -> list[RunRecord]:
    """Make runs with missing seeds, hidden keys, a collapsed run, and other commits, texts and packages."""
    root = Path("runs")
    for rate in (0.001, 0.01):
        folders.grid(root, ["frozen", "full"], [1, 2, 3], config={"optimizer.lr": rate})
    news = {"dataset._target_": "frostline.data.datasets.reuters.Reuters", "dataset.shifts": ["vader_nyt", "1e3"]}
    folders.grid(root, ["full"], [1, 2], config=news, choices={"dataset": "reuters_r8"}, inside=True)
    folders.run(root, "full", 4, 0.5, metrics={"val/f1_macro": float("nan"), "test/f1/a.b": 0.1})
    folders.run(root, "frozen", 5, 0.1 + 0.2, environment={"packages": {"torch": "2.10"}, "threads": 4})
    folders.run(root, "frozen", 6, 0.61, environment={"git": {"commit": "1e5", "dirty": True}}, config={"study": "1e3"})
    return reading.read_runs(["runs"])


def saved(runs: list[RunRecord]) -> None:
    Path("results.csv").write_text(results.results_as_csv(runs), encoding="utf-8")


@pytest.mark.parametrize("words", ASKED, ids=str)
@pytest.mark.parametrize("form", ["markdown", "json"])
def test_a_table_of_the_csv_is_that_of_the_folders(frostline: Command, words: list[str], form: str) -> None:
    saved(study())
    output = [frostline("report", path, *words, "--format", form) for path in ("runs", "results.csv")]
    assert output[0].status == 0, output[0].err
    assert output[1].out == output[0].out
    assert "arnings" in output[0].out


def test_values_that_a_head_recorded_are_metrics(frostline: Command) -> None:
    for seed, perplexity in ((1, 40.0), (2, 42.0), (3, 41.0)):
        folder = folders.run(Path("runs"), "direct", seed, 0.5)
        folders.edit(folder / "result.json", {"language_model": {"perplexity": perplexity}})
    saved(reading.read_runs(["runs"]))
    words = ["--rows", "freezing", "--metric", "language_model/perplexity"]
    output = [frostline("report", path, *words) for path in ("runs", "results.csv")]
    assert output[0].status == 0, output[0].err
    assert output[1].out == output[0].out
    assert "| direct | 41.0 ± 1.0 |" in output[0].out
    assert "| direct | 41.0 ± 1.0 [38.5, 43.5] |" in frostline("report", "runs", *words, "--interval").out


def test_every_value_comes_back_as_it_was(own_folder: None) -> None:
    """Except what a table does not need: the download of an encoder, and scores of single classes."""
    runs = study()
    saved(runs)
    read = {run.folder: run for run in results.read_results("results.csv")}
    assert len(read) == len(runs)
    for run in runs:
        again, metrics = read[run.folder], {k: v for k, v in run.metrics.items() if k != "test/f1/a.b"}
        assert str(again.metrics) == str(metrics)
        assert (again.id, again.choices, again.supports) == (run.id, run.choices, (50, 30, 20))
        lacking = {key for key in run.config if run.config[key] != again.config.get(key, "-")}
        assert {key.partition(".")[0] for key in lacking if "encoder.pin" not in key} <= {
            "paths",
            "logger",
            "cache",
            "rerun",
            "max_failures",
        }
        assert again.environment == run.environment


def test_equal_values_are_written_once(own_folder: None) -> None:
    saved(study())
    with Path("results.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert {"id", "freezing", "seed", "optimizer.lr", "test/f1_macro", "environment.commit"} <= lines[0].keys()
    assert {"optimizer.eps", "head", "environment.python"}.isdisjoint(lines[0])
    assert lines[0]["alike"] and not any(line["alike"] for line in lines[1:])


def test_arms_and_choices_of_a_study_are_keys_like_any(frostline: Command) -> None:
    runs = study()
    choices = [{"arm": f"the {run.choices['freezing']}", "chosen": "yes" if run.seed < 3 else "no"} for run in runs]
    saved(
        [dataclasses.replace(run, choices=added | dict(run.choices)) for run, added in zip(runs, choices, strict=True)]
    )
    output = frostline("report", "results.csv", "--rows", "arm", "--cols", "dataset", "--where", "chosen=yes")
    assert output.status == 0, output.err
    assert [line.split(" | ")[0] for line in output.out.splitlines()[2:4]] == ["| the frozen", "| the full"]


def test_a_csv_and_folders_are_read_together_each_run_once(frostline: Command) -> None:
    saved(study())
    words = ["--rows", "freezing", "--format", "json"]
    assert frostline("report", "results.csv", "runs", *words).out == frostline("report", "runs", *words).out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "results.csv: is no file; give the results.csv of a study"),
        (
            "",
            "results.csv: no complete run: 1 run with a file that cannot be read: results.csv (it is no results.csv of",
        ),
        (
            "id,a\n1,2\n",
            "results.csv: no complete run: 1 run with a file that cannot be read: results.csv (it is no results.csv of",
        ),
        ("id,folder,texts,alike\n1,a,b,{}\n", "results.csv: no complete run: 1 run with a file that cannot be read"),
        ("id,folder,texts,alike\n1,a,5,{\n", "results.csv: no complete run: 1 run with a file that cannot be read"),
    ],
)
def test_a_csv_that_cannot_be_read_is_reported(frostline: Command, text: str | None, problem: str) -> None:
    if text is not None:
        Path("results.csv").write_text(text)
    output = frostline("report", "results.csv")
    assert output.status == 2
    assert any(line.startswith(problem) for line in output.problems()), output.err
    assert "Traceback" not in output.err
