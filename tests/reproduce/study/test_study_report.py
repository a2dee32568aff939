"""A report of a study's run folders is that of its results.csv, complete or stopped halfway.

Tests frostline.results.study_record, frostline.report.selection.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from command_line import Command, in_process

frostline = in_process
LAB = Path("experiments/lab")
SCRIPT = """
import json, shlex, sys
from pathlib import Path
for line in Path(sys.argv[1]).read_text().splitlines():
    folder, *words = shlex.split(line)
    told = dict(word.split("=", 1) for word in words)
    if told["seed"] in ABSENT.get(told["head"], ()):
        continue
    rate, seed = float(told["optimizer.lr"]), int(told["seed"])
    score = 0.5 + {"linear": 0.1, "mlp": 0.2}[told["head"]] - abs(rate - 0.01) + seed / 100
    score += 0.2 * (seed == LUCKY and rate == 0.1)
    Path(folder).mkdir(parents=True)
    Path(folder, "result.json").write_text(json.dumps({
        "id": "-".join([told["head"], told["optimizer.lr"], told["seed"]]),
        "choices": {"head": told["head"], "dataset": "made"}, "seed": seed,
        "config": {"seed": seed, "optimizer": {"lr": rate}, "dataset": {"batch_size": 32}},
        "metrics": {"val/f1_macro": score, "test/f1_macro": score + seed / 1000}, "confusion": [[5, 1], [1, 5]]}))
"""
QUERIES = [
    ["--rows", "arm", "--where", "chosen=yes"],
    ["--rows", "arm", "--where", "chosen=yes", "--baseline", "arm=low", "--interval"],
    ["--rows", "arm,optimizer.lr", "--where", "chosen=no,yes", "--cols", "dataset", "--per-seed"],
    ["--rows", "arm"],
    ["--rows", "optimizer.lr", "--cols", "head", "--metric", "val/f1_macro,test/f1_macro"],
]


def study(
    absent: dict[str, tuple[str, ...]],
    seeds: tuple[int, ...] = (1, 2, 3),
    lucky: int = 0,
    rates: dict[str, Any] | None = None,
) -> None:
    """Write a study of two arms whose runs a script makes, except those of the absent seeds.

    lucky: the seed at which the learning rate 0.1 is better than 0.01, which is better on the average.
    """
    LAB.mkdir(parents=True, exist_ok=True)
    (LAB / "made.yaml").write_text("# @package _global_\n# Nothing but texts\ndataset: {max_train: 8}\n")
    (LAB / "floor.py").write_text(f"ABSENT, LUCKY = {absent}, {lucky}\n{SCRIPT}")
    arms = {
        name: {
            "set": {"freezing": "frozen", "head": head},
            "script": "floor.py",
            "tries": {"optimizer.lr": [0.1, 0.01]},
        }
        for name, head in (("low", "linear"), ("high", "mlp"))
    }
    content: dict[str, Any] = {"seeds": list(seeds), "across": {"experiment": ["made"]}, "arms": arms}
    content |= {"rates": rates} if rates else {}
    (LAB / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def report(frostline: Command, path: str, *words: str) -> str:
    result = frostline("report", path, *words)
    assert result.status == 0, result.err
    return result.out


@pytest.mark.parametrize("absent", [{}, {"mlp": ("2", "3")}], ids=["complete", "stopped"])
def test_run_folders_and_results_csv_give_the_same_report(
    absent: dict[str, tuple[str, ...]], frostline: Command
) -> None:
    study(absent, rates={"seed": 1})
    assert frostline("reproduce", str(LAB), "--write").status == int(bool(absent))
    for words in QUERIES:
        for form in ("markdown", "latex", "json", "csv"):
            tables = [report(frostline, path, *words, "--format", form) for path in ("runs", str(LAB / "results.csv"))]
            assert tables[0] == tables[1]
    table = report(frostline, "runs", *QUERIES[0])
    assert "In each cell the learning rate or another setting was chosen on validation, at 1 seed." in table
    assert "chosen on validation" not in report(frostline, "runs", *QUERIES[3])
    assert "| high | 0.01 |" in report(frostline, "runs", *QUERIES[0], "--extra", "optimizer.lr")
    assert ("| high | 0.711 (1 of 3 seeds) |" in table) == bool(absent)
    assert "| low | 0.622 ± 0.011 |" in table
    assert "0.622" not in report(frostline, "runs", *QUERIES[3]), "the mean over both learning rates"
    assert "2 values of optimizer.lr" in report(frostline, "runs", *QUERIES[3])


def test_seeds_that_are_added_to_study_yaml_are_missing_in_its_table(frostline: Command) -> None:
    study({})
    assert frostline("reproduce", str(LAB), "--write").status == 0
    study({}, seeds=(1, 2, 3, 4))
    assert report(frostline, str(LAB / "results.csv"), *QUERIES[0]).count("(3 of 4 seeds)") == 2
    (LAB / "study.yaml").unlink()
    assert "(3 of" not in report(frostline, str(LAB / "results.csv"), *QUERIES[0])
    assert "(2 of 3 seeds)" not in report(frostline, str(LAB / "results.csv"), *QUERIES[0], "--where", "seed=1,2")


def test_an_arm_all_of_whose_seeds_are_missing_but_one_is_marked_by_the_record_alone(frostline: Command) -> None:
    """Neither another arm nor study.yaml has the seeds: results.csv and the record of the study do."""
    study({"mlp": ("2", "3"), "linear": ("2", "3")}, rates={"seed": 1})
    assert frostline("reproduce", str(LAB), "--write").status == 1
    (LAB / "study.yaml").unlink()
    for path in ("runs/lab", str(LAB / "results.csv")):
        assert report(frostline, path, *QUERIES[0]).count("(1 of 3 seeds)") == 2


def test_a_folder_without_a_record_says_where_the_choice_is_recorded(frostline: Command) -> None:
    study({})
    assert frostline("reproduce", str(LAB), "--write").status == 0
    (Path("runs/lab/.study/study.json")).write_text("{")
    wrong = frostline("report", "runs", "--rows", "head", "--where", "chosen=yes")
    assert wrong.status == 2
    do = "it is recorded by frostline reproduce STUDY: run that, or give the results.csv of the study"
    assert wrong.problems() == [f"--where chosen: no run has this key; {do}"]


@pytest.mark.parametrize(
    ("rates", "selected", "seeds"),
    [
        ({"seed": 1}, "0.1", "1 seed"),
        ({"seed": 2}, "0.01", "1 seed"),
        ({"seeds": [1, 2, 3]}, "0.01", "3 seeds"),
        ({"seeds": [1, 7]}, "0.1", "2 seeds"),
        ({}, "0.01", "3 seeds"),
    ],
)
def test_a_rate_is_chosen_by_its_mean_over_the_seeds_of_the_search(
    rates: dict[str, Any], selected: str, seeds: str, frostline: Command
) -> None:
    """At seed 1, 0.1 is better by 0.11; over two seeds by 0.01; over three it is worse by 0.023."""
    study({}, seeds=(1, 2, 3, 4), lucky=1, rates=rates)
    said = frostline("reproduce", str(LAB), "--write")
    assert said.status == 0, said.err
    lines = [line for line in said.err.splitlines() if " has the best mean " in line]
    means = {rate: f"optimizer.lr={rate} " for rate in ("0.1", "0.01")}
    assert len(lines) == 2 and all(
        f": {means[selected]}has the best mean val/f1_macro over {seeds}" in x for x in lines
    )
    assert all(means[({"0.1", "0.01"} - {selected}).pop()] in line for line in lines)
    for path in ("runs", str(LAB / "results.csv")):
        table = report(frostline, path, *QUERIES[0], "--extra", "optimizer.lr")
        assert f"| high | {selected} |" in table and f"| low | {selected} |" in table
        assert f"chosen on validation, at {seeds}." in table
