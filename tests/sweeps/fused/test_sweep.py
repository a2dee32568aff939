"""A fused sweep survives what any sweep survives: a job that fails, a kill, the same command again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fused_sweeps
from command_line import Command, in_process
from frostline.results.atomic_files import read_json
from fused_sweeps import SMALL, cost, results, results_unaffected_by_kills
from killable_runs import attempt
from wandb_files import about, config, exits, history, read, summary

frostline = in_process
FUSED = [*fused_sweeps.FUSED, *SMALL]
RATES = ["optimizer.lr=1e-3,1e-2,1e-1"]


def test_the_same_command_again_trains_what_is_left(frostline: Command) -> None:
    """Of three jobs two are complete already, one from a run alone; their times stay as they are."""
    assert frostline(*FUSED, *RATES).status == 0
    first = {job: cost(run) for job, run in results("fused").items()}
    assert sum(own["texts_encoded"] for own in first.values()) == 100 + 60 + 50
    said = frostline(*FUSED, "optimizer.lr=1e-3,1e-2,1e-1,0.5")
    assert said.status == 0, said.err
    assert said.err.count("complete since an earlier run") == 3
    again = {job: cost(run) for job, run in results("fused").items()}
    assert len(again) == 4
    assert {job: again[job] for job in first} == first
    assert sum(own["texts_encoded"] for job, own in again.items() if job not in first) == 0


def test_a_job_that_fails_takes_no_other_with_it(frostline: Command) -> None:
    said = frostline(*FUSED, "optimizer.lr=1e-2,1e38,3e-2", "trainer.gradient_clip_val=null", "optimizer=sgd")
    assert said.status == 1
    assert "FrostlineError: training: the loss is " in said.out
    assert "lower optimizer.lr=1e+38" in said.err
    [failed] = [read_json(file) for file in Path("runs/fused").glob("*/failure.json")]
    assert "lower optimizer.lr=1e+38" in failed["what"]
    assert len(results("fused")) == 2


OWN = """
from torch.nn import functional

from frostline.models.heads.linear import Linear


class Own(Linear):
    def forward(self, vectors):
        return self.out(functional.dropout(vectors, 0.5, self.training))
"""


def test_heads_of_a_user_s_own_that_cannot_be_stacked_are_trained_alone(frostline: Command, tmp_path: Path) -> None:
    """Chance that a head draws by itself would be lost in a stack."""
    (tmp_path / "stacklab").mkdir()
    (tmp_path / "stacklab" / "heads.py").write_text(OWN)
    words = [*SMALL, "logger=csv", "head._target_=stacklab.heads.Own", "seed=1,2"]
    said = frostline("-m", "hydra/launcher=fused", "study=fused", *words)
    assert said.status == 0, said.err
    assert "2 jobs one by one after all: its head cannot be stacked" in said.err
    fused = results_unaffected_by_kills("runs")
    Path("runs").rename("together")
    assert frostline("-m", "study=fused", *words).status == 0
    assert len(fused) == 2
    assert fused == results_unaffected_by_kills("runs")


def test_what_cannot_be_fused_is_done_after_it_one_by_one(frostline: Command) -> None:
    said = frostline(*FUSED, "freezing=full,frozen", "seed=1,2", "trainer.max_epochs=1")
    assert said.status == 0, said.err
    assert "2 jobs trained together" in said.err
    assert "2 jobs one by one: more than the head is trained" in said.err
    assert [line.split()[0] for line in said.out.splitlines()[2:6]] == ["full", "full", "frozen", "frozen"]
    assert len(results("fused")) == 4


@pytest.mark.slow
def test_a_run_that_was_killed_alone_goes_on_alone(frostline: Command) -> None:
    words = [*SMALL, "logger=csv", "study=fused", "trainer.max_epochs=40", "trainer.checkpoint_seconds=0"]
    with attempt(*words, "seed=2") as one:
        one.until(lambda: "epoch 3 of 40" in one.said)
        one.kill()
    said = frostline(*FUSED, "trainer.max_epochs=40", "trainer.checkpoint_seconds=0", "seed=1,2,3")
    assert said.status == 0, said.err
    assert "2 jobs trained together" in said.err
    assert "1 job one by one: it was interrupted before" in said.err
    assert "going on from step" in said.err
    assert len(results("fused")) == 3


def test_three_fused_jobs_are_three_runs_of_wandb(no_wandb_account: Path, frostline: Command) -> None:
    words = [word for word in FUSED if word != "logger=csv"]
    said = frostline(*words, *RATES, "logger=auto")
    assert said.status == 0, said.err
    runs = results("fused")
    assert len(runs) == 3
    for job, run in runs.items():
        [records] = read(run)
        assert (config(records)["id"], about(records)["run_group"], exits(records)) == (job, "fused", [0])
        result = read_json(run / "result.json")
        assert summary(records)["test/f1_macro"] == pytest.approx(result["metrics"]["test/f1_macro"])
        assert [row["epoch"] for row in history(records) if "train/loss" in row] == [1, 2, 3]


def test_thousands_may_be_one_table_of_wandb(no_wandb_account: Path, frostline: Command) -> None:
    """A row a run, those that were already complete among them, and no W&B run of their own."""
    words = [word for word in FUSED if word != "logger=csv"]
    assert frostline(*words, "optimizer.lr=1e-3,1e-2", "logger=csv").status == 0
    said = frostline(*words, *RATES, "logger=auto", "logger.fused=table")
    assert said.status == 0, said.err
    runs = results("fused")
    assert len(runs) == 3
    assert [read(run) for run in runs.values()] == [[]] * 3
    [folder] = Path("runs/fused/.sweeps").glob("*/table-*")
    [records] = read(folder)
    assert (about(records)["display_name"], about(records)["run_group"]) == ("3 runs by optimizer.lr", "fused")
    assert exits(records) == [0]
    [file] = folder.glob("wandb/offline-run-*/files/media/table/*.json")
    table = json.loads(file.read_text())
    rows = {row["id"]: row for row in (dict(zip(table["columns"], cells, strict=True)) for cells in table["data"])}
    assert rows.keys() == runs.keys()
    for job, run in runs.items():
        result = read_json(run / "result.json")
        assert rows[job]["run"] == run.name
        assert f"optimizer.lr={rows[job]['optimizer.lr']}" in result["overrides"]
        assert rows[job]["test/f1_macro"] == pytest.approx(result["metrics"]["test/f1_macro"])
