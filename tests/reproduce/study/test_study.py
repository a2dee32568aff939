"""Tests of a study: its runs, their repetition and comparison, and the problems that are reported before any run.

Tests frostline.reproduce.study.make, frostline.reproduce.study.outcome, frostline.reproduce.study.remake.
"""

from __future__ import annotations

import csv
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

import report_folders
from command_line import Command, in_process
from frostline.report.read import results_csv as results
from frostline.report.read import run_folders as reading
from frostline.reproduce.study.cells import group_by_first_key, study_cells
from frostline.reproduce.study.runs import StudyRuns
from frostline.reproduce.study.study_yaml import StudyReader
from frostline.results.atomic_files import read_json
from killable_runs import attempt

frostline = in_process
LAB = Path("experiments/lab")
ARM = """# @package _global_
# Sentiment
dataset: {max_train: 64, max_val: 32, max_test: 64, max_length: 16}
"""
STUDY: dict[str, Any] = {
    "seeds": [1, 2],
    "across": {"encoder": ["bert_tiny"], "experiment": ["movies"]},
    "rates": {"times": ["1/3", 3], "seed": 1, "best": "val/f1_macro"},
    "settings": {"logger": "csv"},
    "arms": {
        "as it is": {"set": {"freezing": "direct"}},
        "head": {"set": {"freezing": "frozen", "trainer.max_epochs": 2}},
    },
    "tables": {"table.md": "--rows arm --cols encoder --where chosen=yes --baseline 'arm=as it is'"},
}
SCRIPT = '''"""Write a result for each run of the list."""
import json, sys
from pathlib import Path
from frostline.config.job_list import read_jobs
for folder, *words in read_jobs(sys.argv[1]):
    values = dict(word.split("=", 1) for word in words)
    score = float(values["head.C"]) / 100 + int(values["seed"]) / 1000
    Path(folder).mkdir(parents=True)
    Path(folder, "result.json").write_text(json.dumps({
        "id": "-".join(["floor", values["head.C"], values["seed"]]),
        "choices": {"encoder": "none"}, "seed": int(values["seed"]),
        "config": {"seed": int(values["seed"]), "head": {"C": values["head.C"]}},
        "metrics": {"val/f1_macro": score, "test/f1_macro": score}, "confusion": [[1]]}))
'''


def given(**changes: Any) -> Path:
    """Write the study with other keys; None removes a key."""
    LAB.mkdir(parents=True, exist_ok=True)
    (LAB / "movies.yaml").write_text(ARM)
    content = {key: value for key, value in (STUDY | changes).items() if value is not None}
    (LAB / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return LAB


def study_runs() -> StudyRuns:
    reader = StudyReader(LAB)
    study = reader.study()
    return StudyRuns(study, reader.problems)


def rows() -> list[dict[str, str]]:
    with (LAB / "results.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_study_is_reproduced_to_the_bit(frostline: Command) -> None:
    given()
    first = frostline("reproduce", str(LAB), "--write")
    assert first.status == 0, first.err
    assert "2 seeds for each arm: too few for an interval or a test" in first.err
    chosen = [row for row in rows() if row["chosen"] == "yes"]
    assert [(row["arm"], row["seed"]) for row in chosen] == [
        (arm, seed) for arm in ("as it is", "head") for seed in ("1", "2")
    ]
    tried = {row["optimizer.lr"]: float(row["val/f1_macro"]) for row in rows() if row["arm"] == "head"}
    assert set(tried) == {"0.001", "0.009"}
    assert chosen[2]["optimizer.lr"] == chosen[3]["optimizer.lr"]
    at_seed_1 = [row for row in rows() if row["arm"] == "head" and row["seed"] == "1"]
    assert chosen[2] == max(at_seed_1, key=lambda row: float(row["val/f1_macro"]))
    assert (LAB / "table.md").read_text().startswith("| arm | encoder=bert_tiny |")

    shutil.rmtree("runs")
    again = frostline("reproduce", str(LAB))
    assert again.status == 0, again.err
    assert again.out.splitlines()[-1] == "5 runs: 5 equal to the bit, 0 within 0.0001, 0 different, 0 absent"
    made = Path("reproduced/lab")
    assert (made / "table.md").read_text() == (LAB / "table.md").read_text()

    words = ["--rows", "freezing", "--where", "optimizer.lr=0.001", "--format", "json"]
    assert frostline("report", "runs/lab", *words).out == frostline("report", str(made / "results.csv"), *words).out

    [row] = [row for row in rows() if row["arm"] == "head" and row["seed"] == "2"]
    text = (LAB / "results.csv").read_text()
    (LAB / "results.csv").write_text(text.replace(row["test/loss"], f"{float(row['test/loss']) + 0.5!r}"))
    other = frostline("reproduce", str(LAB))
    assert other.status == 1
    assert other.out.splitlines()[-1] == "5 runs: 4 equal to the bit, 0 within 0.0001, 1 different, 0 absent"
    assert f"head, {row['folder']}: different, metrics" not in other.out
    assert f"head, {row['folder']}: different, test/loss: " in other.out
    assert "job " not in other.err, "complete runs are not repeated"


@pytest.mark.slow
def test_a_script_executes_the_runs_of_its_arm(frostline: Command) -> None:
    """It is called with its runs and their folders, for the search first and then for all seeds."""
    floor = {"set": {"freezing": "frozen", "head": "logistic"}, "without": ["encoder"], "script": "floor.py"}
    given(arms={"floor": floor | {"tries": {"head.C": [1, 10, 3]}}}, tables=None)
    (LAB / "floor.py").write_text(SCRIPT)
    said = frostline("reproduce", str(LAB), "--write")
    assert said.status == 0, said.err
    assert [(row["id"], row["chosen"]) for row in rows()] == [
        ("floor-1-1", "no"),
        ("floor-3-1", "no"),
        ("floor-10-1", "yes"),
        ("floor-10-2", "yes"),
    ]
    assert [read_json(file)["seed"] for file in sorted(Path("runs/lab").glob("floor-*/result.json"))].count(1) == 3
    (LAB / "floor.py").write_text("raise SystemExit(1)")
    assert frostline("reproduce", str(LAB)).status == 0, "all is complete"
    shutil.rmtree("runs")
    lost = frostline("reproduce", str(LAB))
    assert lost.status == 1
    assert "not complete: floor, movies" in lost.out.splitlines()
    assert lost.out.splitlines()[-1] == "4 runs: 0 equal to the bit, 0 within 0.0001, 0 different, 4 absent"


def test_a_process_that_a_study_has_started_ends_with_it(own_folder: None) -> None:
    given(arms={"floor": {"set": {"freezing": "direct"}, "script": "floor.py"}}, tables=None)
    (LAB / "floor.py").write_text(
        "import os, pathlib, time\npathlib.Path('pid').write_text(f'{os.getpid()}\\n')\ntime.sleep(600)"
    )
    with attempt("reproduce", str(LAB), really=True) as one:
        one.until(lambda: Path("pid").exists() and Path("pid").read_text().endswith("\n"))
        one.process.terminate()
        assert one.wait() == 128 + signal.SIGTERM, one.said
    assert not Path("/proc", Path("pid").read_text().strip()).exists()
    assert "ended with status -15; see above; the same command resumes the study" in one.said


def test_learning_rates_are_multiples_of_the_default_and_a_cell_without_gradients_has_none(own_folder: None) -> None:
    arms = {
        "none": {"set": {"freezing": "direct"}},
        "solved": {"set": {"freezing": "frozen", "head": "logistic"}},
        "full": {"set": {"freezing": "full"}},
        "lora": {"set": {"freezing": "full", "adapter": "lora"}},
        "knob": {"set": {"freezing": "frozen", "head": "logistic"}, "tries": {"head.C": [1, 10]}},
    }
    given(arms=arms)
    runs = study_runs()
    searched = {cell.arm.name: [run.override for run in runs.search_runs(cell)] for cell in runs.cells}
    assert searched == {
        "none": [],
        "solved": [],
        "full": ["optimizer.lr=3.33e-05", "optimizer.lr=0.0003"],
        "lora": ["optimizer.lr=0.001", "optimizer.lr=0.009"],
        "knob": ["head.C=1", "head.C=10"],
    }
    assert [runs.selected_override(cell) for cell in runs.cells] == ["", "", None, None, None]


def test_a_learning_rate_may_be_written_as_hydra_parses_it(own_folder: None) -> None:
    """The list may have one value, for a recipe without a search."""
    given(arms={"head": {"set": {"freezing": "frozen"}, "tries": {"optimizer.lr": ["LR"]}}})
    (LAB / "study.yaml").write_text((LAB / "study.yaml").read_text().replace("LR", "2e-5"))
    runs = study_runs()
    [run] = runs.search_runs(runs.cells[0])
    assert (run.override, run.job.config["optimizer"]["lr"]) == ("optimizer.lr=2e-05", 2e-5)


def test_cells_are_sorted_by_the_first_key_and_only_without_and_where_apply_to_their_arm(own_folder: None) -> None:
    where = {"experiment": {"news": {"head.descriptions": {"money-fx": "it's money", "acq": "on"}}}}
    arms = {
        "a": {"set": {"freezing": "direct"}},
        "b": {"only": {"encoder": ["minilm"]}, "where": where},
        "c": {"without": ["encoder"], "only": {"experiment": ["news"]}},
    }
    given(arms=arms, across={"encoder": ["minilm", "bert_tiny"], "experiment": ["movies", "news"]})
    study = StudyReader(LAB).study()
    groups = [[str(cell) for cell in group] for group in group_by_first_key(study, study_cells(study))]
    assert groups == [
        ["c, news"],
        ["a, minilm, movies", "a, minilm, news", "b, minilm, movies", "b, minilm, news"],
        ["a, bert_tiny, movies", "a, bert_tiny, news"],
    ]
    overrides = {str(cell): cell.overrides for cell in study_cells(study)}
    assert overrides["a, minilm, movies"] == [
        "encoder=minilm",
        "experiment=lab/movies",
        "study=lab",
        "logger=csv",
        "freezing=direct",
    ]
    assert overrides["b, minilm, news"][-1] == r"head.descriptions={money-fx:'it\'s money',acq:on}"


TWICE = "arms:\n  a: {set: {freezing: full}}\n  a: {set: {freezing: direct}}\n"
BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"seedz": [1]}, ["seedz: no such key; did you mean seeds?"]),
    ({"seeds": None}, ["seeds: is missing; see"]),
    ({"seeds": [1, 1]}, ["seeds: [1, 1] is not a list of different integers; see"]),
    ({"seeds": [1, 1.5]}, ["seeds: [1, 1.5] is not a list of different integers; see"]),
    ({"arms": None}, ["arms: is missing; see"]),
    ({"arms": ["full"]}, ["arms: ['full'] is not a mapping; see"]),
    ({"arms": {"a": {"sett": {}}}}, ["arms.a.sett: no such key; did you mean set?"]),
    ({"arms": {"a": {"set": "freezing=full"}}}, ["arms.a.set: 'freezing=full' is not a mapping; see"]),
    (
        {"arms": {"a": {"only": {"encoder": ["minlm"]}}}},
        ["arms.a.only.encoder: 'minlm' is not in across.encoder; choose one"],
    ),
    ({"arms": {"a": {"without": ["encoders"]}}}, ["arms.a.without.encoders: is not a key of across; did you mean"]),
    (
        {"arms": {"a": {"script": "no.py"}}},
        ["arms.a.script: 'no.py' is not a file in experiments/lab; correct its name"],
    ),
    ({"arms": {"a": {"tries": {"head.C": 1}}}}, ["arms.a.tries: {'head.C': 1} is not a search over one key; give one"]),
    ({"rates": {"best": "test/f1_macro"}}, ["rates.best: 'test/f1_macro' is not a validation metric; a selection"]),
    ({"rates": {"seeds": [1, 1]}}, ["rates.seeds: [1, 1] is not a list of different integers; see"]),
    ({"rates": {"seeds": [1], "seed": 1}}, ["rates.seed: is given beside rates.seeds; leave it out"]),
    ({"rates": {"times": ["1/0"]}}, ["rates.times: ['1/0'] is not a list of different numbers; see"]),
    ({"across": {"encoder": "bert_tiny"}}, ["across.encoder: 'bert_tiny' is not a list of different names; see"]),
    ({"across": {"encoder": ["bert_tny"]}}, ["encoder: there is no choice 'bert_tny'; did you mean bert_tiny?"]),
    ({"across": {"experiment": ["movie"]}}, ["experiment: there is no choice 'lab/movie'; did you mean lab/movies?"]),
    ({"arms": {"a": {"where": {"experiment": 1}}}}, ["arms.a.where.experiment: 1 is not a mapping; see"]),
    ({"tables": {"t.md": "--rows 'arm"}}, ["report: '--rows 'arm' has an unclosed quote; close it"]),
    ({"tables": {"t.md": "--row arm"}}, ["--row: no such option of report; did you mean --rows?"]),
    (
        {"seedz": [1], "arms": {"a": {"set": {"freezing": "fulll"}}, "b": {"set": {"head.droput": 1}}}},
        [
            "seedz: no such key; did you mean seeds?",
            "freezing: there is no choice 'fulll'; did you mean full?",
            "head.droput: no such key; did you mean head.dropout?",
        ],
    ),
]


@pytest.mark.parametrize(("changes", "problems"), BAD, ids=lambda value: str(value)[:60])
def test_all_problems_are_reported_at_once_and_nothing_is_run(
    frostline: Command, changes: dict[str, Any], problems: list[str]
) -> None:
    said = frostline("reproduce", str(given(**changes)))
    assert said.status == 2
    for problem in problems:
        assert any(line.startswith(problem) for line in said.problems()), said.err
    assert "Traceback" not in said.err
    assert not Path("runs").exists() and not Path("reproduced").exists()


def test_duplicate_arm_names_and_duplicate_runs_are_reported(frostline: Command) -> None:
    file = given(arms=None) / "study.yaml"
    file.write_text(file.read_text() + TWICE)
    assert (
        "  a: is defined twice; give each key or arm another name" in frostline("reproduce", str(LAB)).err.splitlines()
    )
    given(arms={"a": {"set": {"freezing": "full"}}, "b": {"set": {"freezing": "full"}}})
    same = frostline("reproduce", str(LAB))
    assert same.problems() == [
        "arms.b: b, bert_tiny, movies is the same run as a, bert_tiny, movies; leave one of them out"
    ]
    file.write_text("seeds: [1\n")
    said = frostline("reproduce", str(LAB))
    assert said.status == 2 and "  experiments/lab/study.yaml: cannot be read (" in said.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--only", "encoder=minilm"], "--only: there is no encoder minilm; choose one of: bert_tiny"),
        (["--only", "arm=haed"], "--only: there is no arm haed; did you mean head?"),
        (["--only", "sed=1"], "--only: there is no sed; did you mean seed?"),
        (["--only", "seed=3"], "--only: there is no seed 3; choose one of: 1, 2"),
        (["--only", "full"], "--only: 'full' names no key; give --only KEY=VALUE"),
        (["--onli", "arm=head"], "--onli: no such option of reproduce; did you mean --only?"),
        (["--environment", "recorded"], "--environment: is for runs; give the folders of runs of the study"),
    ],
)
def test_problems_of_the_command_are_reported(frostline: Command, words: list[str], problem: str) -> None:
    said = frostline("reproduce", str(given()), *words)
    assert said.status == 2
    assert any(line.startswith(problem) for line in said.problems()), said.err


def test_flags_of_studies_are_refused_for_runs(frostline: Command) -> None:
    said = frostline("reproduce", "runs", "--write", "--only", "seed=1", "--tolerance", "-1")
    assert said.problems() == [
        "--tolerance: '-1' is no distance; give a number of at least 0, such as 0.0001",
        "--write: is for studies; give a folder with a study.yaml",
        "--only: is for studies; give a folder with a study.yaml",
        "runs: is no folder; give that of a run",
    ], "all at once"


@pytest.mark.slow
def test_committed_runs_outside_the_limits_are_retained(frostline: Command) -> None:
    """They may come from another machine. Without limits, only the runs of the study are written."""
    others = report_folders.grid(Path("other"), ["frozen"], [1, 2])
    (given() / "results.csv").write_text(results.results_as_csv(reading.read_runs(list(map(str, others.values())))))
    committed = [row["id"] for row in rows()]
    said = frostline("reproduce", str(LAB), "--write", "--only", "arm=as it is")
    assert said.status == 0, said.err
    assert [row["id"] for row in rows()][:2] == committed
    made = [row["id"] for row in rows()][2:]
    assert [row["seed"] for row in rows() if row["arm"] == "as it is"] == ["1", "2"]
    given(arms={"as it is": STUDY["arms"]["as it is"]})
    assert frostline("reproduce", str(LAB), "--write").status == 1, (
        "committed runs that the study no longer has are reported as absent"
    )
    assert [row["id"] for row in rows()] == made


def test_study_yaml_is_neither_an_arm_nor_a_sweep(frostline: Command) -> None:
    given()
    assert "lab/movies" in frostline("list", "experiment").out
    for group in ("experiment", "sweep"):
        assert "lab/study" not in frostline("list", group).out
