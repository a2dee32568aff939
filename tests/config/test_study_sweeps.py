"""A study carries its own sweep: experiments/<study>/<name>.yaml that sets hydra.sweeper.params."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from command_line import Command, in_process
from frostline.config import jobs as command
from frostline.results.atomic_files import read_json

frostline = in_process
SWEEP = """# @package _global_
# Is it the encoder or the head?
defaults:
  - override /pooler: cls
  - override /hydra/launcher: fused

study: lab
dataset: {max_train: 64, max_val: 32, max_test: 32}
trainer: {max_epochs: 2}
hydra: {sweeper: {params: {freezing: 'frozen,direct', seed: 'range(1,3)'}}}
"""
ARM = "# @package _global_\n# An arm\nstudy: lab\npooler: {_target_: frostline.models.poolers.max.Max}\n"
ALONE = ["study=lab", "pooler=cls", "dataset.max_train=64", "dataset.max_val=32", "dataset.max_test=32"]


@pytest.fixture(autouse=True)
def study(own_folder: None, tmp_path: Path) -> None:
    lab = tmp_path / "experiments" / "lab"
    lab.mkdir(parents=True)
    (lab / "all.yaml").write_text(SWEEP)
    (lab / "arm.yaml").write_text(ARM)
    (lab / "other.yaml").write_text(f"{ARM}seed: 2\n")


def jobs(line: str) -> list[command.Job]:
    return command.jobs_of_command(line.split())


def test_a_sweep_s_arms_seeds_launcher_and_differences_are_those_of_its_yaml() -> None:
    found = jobs("-m sweep=lab/all")
    arms = [(job.choices["freezing"], job.config["seed"]) for job in found]
    assert arms == [("frozen", 1), ("frozen", 2), ("direct", 1), ("direct", 2)]
    assert {(job.choices["pooler"], job.config["study"], job.launcher) for job in found} == {
        ("cls", "lab", command.FUSED)
    }


def test_the_command_line_has_the_last_word() -> None:
    line = "-m sweep=lab/all hydra/launcher=basic"
    assert [job.config["seed"] for job in jobs(f"{line} seed=7")] == [7, 7]
    assert [job.choices["freezing"] for job in jobs(f"{line} freezing=full seed=1")] == ["full"]
    line += " head=linear,mlp freezing=frozen pooler=max"
    assert [job.choices["head"] for job in jobs(line)] == ["linear", "mlp", "linear", "mlp"]
    assert {(job.choices["pooler"], "fused" in job.launcher) for job in jobs(line)} == {("max", False)}


def test_a_job_of_a_study_s_sweep_is_the_run_that_it_would_be_alone() -> None:
    for job in jobs("-m sweep=lab/all"):
        own = f"freezing={job.choices['freezing']} seed={job.config['seed']} trainer.max_epochs=2"
        [alone] = command.jobs_of_command([*ALONE, *own.split()])
        assert (alone.id, alone.folder, alone.config) == (job.id, job.folder, job.config)


def test_a_sweep_may_be_of_the_study_s_arms_and_is_none_of_them(tmp_path: Path) -> None:
    arms = "# @package _global_\nhydra: {sweeper: {params: {experiment: glob(lab/*)}}}\n"
    (tmp_path / "experiments" / "lab" / "arms.yaml").write_text(arms)
    assert [job.choices["experiment"] for job in jobs("-m sweep=lab/arms")] == ["lab/arm", "lab/other"]


def test_a_sweep_wins_over_an_arm_and_debug_over_the_sweep() -> None:
    found = jobs("-m experiment=lab/arm sweep=lab/all debug=fast pooler=cls")
    assert {job.config["trainer"]["max_epochs"] for job in found} == {1}
    assert {job.config["dataset"]["max_train"] for job in jobs("-m experiment=lab/arm sweep=lab/all")} == {64}


def test_sweeps_and_arms_are_listed_apart(frostline: Command) -> None:
    said = frostline("list", "sweep").out
    assert re.search(r"^  lab/all +Is it the encoder or the head\?$", said, re.MULTILINE)
    assert "lab/arm" not in said
    said = frostline("list", "experiment").out
    assert "lab/arm" in said and "lab/all" not in said


@pytest.mark.parametrize("line", ["frostline -m sweep=lab/", "frostline check -m sweep=lab/a", "frostline sweep=l"])
def test_the_shell_completes_a_sweep(frostline: Command, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    monkeypatch.setenv("COMP_POINT", str(len(line)))
    said = frostline("-sc", "query=bash")
    assert (said.out.split(), said.err) == (["sweep=lab/all"], "")


def test_a_sweep_s_base_can_be_looked_at(frostline: Command) -> None:
    assert "cls" in frostline("--cfg", "job", "-p", "pooler", "sweep=lab/all").out
    said = frostline("check", "-m", "sweep=lab/all")
    assert (said.status, said.out.splitlines()[0]) == (0, "ok: 4 jobs")
    said = frostline("plan", "-m", "sweep=lab/all", "freezing=frozen")
    assert said.status == 0 and "2 jobs trained together" in said.out


def test_a_run_made_alone_is_complete_in_the_sweep(frostline: Command) -> None:
    words = [*ALONE, "freezing=frozen", "seed=1", "trainer.max_epochs=2", "logger=csv"]
    assert frostline(*words).status == 0
    said = frostline("-m", "sweep=lab/all", "freezing=frozen", "logger=csv")
    assert said.status == 0, said.err
    assert said.out.splitlines()[-1] == "2 jobs: 1 already complete, 1 trained"
    results = [read_json(file) for file in Path("runs/lab").glob("*/result.json")]
    assert {result["seed"] for result in results} == {1, 2}
