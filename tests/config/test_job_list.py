"""hydra/sweeper=listed: jobs that are no product of values, a line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Command, in_process
from frostline.config import job_list as listed
from frostline.config import jobs as command
from frostline.results.atomic_files import read_json

frostline = in_process
LISTED = ["-m", "hydra/sweeper=listed", "hydra.sweeper.file=jobs.txt"]
SMALL = ["dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=32", "logger=csv"]


def test_each_line_is_the_run_that_it_would_be_alone(own_folder: None) -> None:
    template = "head.template='# {text}\n\n# It was {mask}.'"  # whose lines are neither jobs nor remarks
    lines = [
        ["freezing=frozen", "seed=2"],
        ["head=verbalizer", template, "freezing=direct"],
        ["freezing=schedule", "freezing.phases=[{rules: [['*', 1]]}]"],
    ]
    Path("jobs.txt").write_text(f"# two\n\n{listed.format_jobs(lines)}")
    found = command.jobs_of_command([*LISTED, *SMALL])
    alone = [job for line in lines for job in command.jobs_of_command([*SMALL, *line])]
    assert [(job.id, job.folder, job.overrides) for job in found] == [
        (job.id, job.folder, job.overrides) for job in alone
    ]


@pytest.mark.slow
def test_the_jobs_of_a_list_are_done(frostline: Command) -> None:
    Path("jobs.txt").write_text("freezing=frozen seed=1\nfreezing=frozen seed=2 optimizer.lr=0.01\nfreezing=direct\n")
    said = frostline(*LISTED, *SMALL, "hydra/launcher=fused", "study=lab", "trainer.max_epochs=1")
    assert said.status == 0, said.err
    results = [read_json(file) for file in Path("runs/lab").glob("*/result.json")]
    assert sorted((r["choices"]["freezing"], r["seed"], r["config"]["optimizer"]["lr"]) for r in results) == [
        ("direct", 1, 0.001),
        ("frozen", 1, 0.003),
        ("frozen", 2, 0.01),
    ]
    assert "3 jobs trained together" in said.err


@pytest.mark.parametrize(
    ("text", "words", "problem"),
    [
        (None, [], "hydra.sweeper.file: 'jobs.txt' cannot be read (No such file or directory); name a file with"),
        ("# none\n", [], "hydra.sweeper.file: 'jobs.txt' lists no job; name a file with"),
        ("seed=1\nhead='a\nseed=2\n", [], "hydra.sweeper.file: line 2 of 'jobs.txt' ends within quotes; close them"),
        ("head='a\n" + "seed=2\n" * 99 + "head='\n", [], "hydra.sweeper.file: line 1 of 'jobs.txt' ends within quotes"),
        ("seed=1,2\n", [], "seed: 'seed=1,2' in a list of jobs is not an override of one job; write one line for each"),
        (
            "seed=1\n",
            ["freezing=full,frozen"],
            "freezing: 'full,frozen' is a sweep, which a list of jobs cannot have; give it one",
        ),
        ("seed=1\nfreezing=fulll\n", [], "freezing: there is no choice 'fulll'; did you mean full?"),
        ("seed=1\nhead.droput=1 seed=x\n", [], "head.droput: no such key; did you mean head.dropout?"),
    ],
)
def test_what_is_wrong_with_a_list_is_told(
    frostline: Command, text: str | None, words: list[str], problem: str
) -> None:
    if text is not None:
        Path("jobs.txt").write_text(text)
    said = frostline("check", *LISTED, *words)
    assert said.status == 2
    assert any(line.startswith(problem) for line in said.problems()), said.err
    assert "Traceback" not in said.err
