"""The functions of the package do what the command does: the same runs, tables and messages.

Tests frostline.api.runs, frostline.api.records, frostline.results.result, frostline.sweeps.run_plan,
frostline.sweeps.checked_command, frostline.api.loaded_model.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import frostline as fl
from command_line import Command, in_process
from frostline.api.runs import SweepError
from frostline.errors import FrostlineError, UserError

frostline = in_process
FEW = [f"dataset.{size}" for size in ("max_train=32", "max_val=16", "max_test=16", "max_length=16", "batch_size=16")]
SMALL = [*FEW, "logger=csv", "trainer.max_epochs=1"]
WRONG = ["freezing=top_k", "freezing.kk=2", "head.droput=0.1"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import json, sys, frostline; names = dir(frostline); frostline.UserError; print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not {"torch", "hydra", "omegaconf", "pandas", "numpy", "transformers", "lightning", "yaml"} & loaded


def test_every_name_that_is_offered_exists_and_has_a_docstring() -> None:
    assert fl.__all__ == sorted(fl._MODULES)
    assert [name for name in fl.__all__ if name not in dir(fl) or not getattr(fl, name).__doc__] == []
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        fl.rum  # noqa: B018


def test_a_function_stays_a_function_when_the_package_of_its_name_is_imported() -> None:
    code = (
        "import frostline, frostline.report.build, frostline.results.folder\n"
        "assert callable(frostline.report) and callable(frostline.results)\n"
        "from frostline.report.build import Report\n"
        "assert callable(frostline.report)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_is_that_of_the_command(frostline: Command, tmp_path: Path) -> None:
    result = fl.run(SMALL, freezing="frozen", seed=2)
    assert result.how == "trained" and result.folder.parent == tmp_path / "runs" / "default"
    record = json.loads((result.folder / "result.json").read_text())
    assert (result.id, result.metrics, result.classes) == (record["id"], record["metrics"], record["classes"])
    assert "frostline" in json.loads((result.folder / "environment.json").read_text())["command"]
    before = {file: file.read_bytes() for file in result.folder.rglob("*") if file.is_file()}
    done = frostline(*SMALL, "freezing=frozen", "seed=2")
    assert done.status == 0 and "complete since an earlier run" in done.err
    assert repr(result) == done.out.rstrip("\n")
    again = fl.run({"freezing": "frozen", "seed": 2, "trainer.max_epochs": 1}, logger="csv", dataset=_sizes())
    assert again.how == "already complete" and again == result
    assert {file: file.read_bytes() for file in result.folder.rglob("*") if file.is_file()} == before


def _sizes() -> dict[str, int]:
    pairs = (line.removeprefix("dataset.").split("=") for line in FEW)
    return {key: int(value) for key, value in pairs}


@pytest.mark.parametrize("function", [fl.run, fl.sweep, fl.plan, fl.check])
def test_mistakes_are_an_exception_with_the_text_of_the_command(
    function: Callable[..., Any], frostline: Command
) -> None:
    with pytest.raises(UserError) as caught:
        function(WRONG)
    done = frostline("check", *WRONG)
    assert str(caught.value) == done.err.rstrip("\n") and len(caught.value.problems) == 2


@pytest.mark.parametrize("function", [fl.run, fl.plan])
def test_a_sweep_is_not_a_run(function: Callable[..., Any]) -> None:
    with pytest.raises(UserError, match=r"-m: starts a sweep; use frostline\.sweep"):
        function(["-m", "seed=1,2"])
    with pytest.raises(UserError, match="seed: '1,2' is a sweep"):
        function("seed=1,2")


def test_a_run_that_fails_raises_what_the_command_prints(frostline: Command) -> None:
    words = [*SMALL, "optimizer.lr=1e30", "trainer.gradient_clip_val=null", "optimizer=sgd", "trainer.max_epochs=3"]
    done = frostline(*words)
    assert done.status == 1
    with pytest.raises(FrostlineError) as caught:
        fl.run(words)
    assert str(caught.value) in done.err and "optimizer.lr" in str(caught.value)


def test_a_sweep_returns_its_results_in_the_order_of_its_jobs(frostline: Command) -> None:
    results = fl.sweep(SMALL, freezing=["frozen", "direct"], seed=(2, 1))
    assert [(r.record["choices"]["freezing"], r.config["seed"]) for r in results] == [
        ("frozen", 2),
        ("frozen", 1),
        ("direct", 2),
        ("direct", 1),
    ]
    done = frostline("-m", *SMALL, "freezing=frozen,direct", "seed=2,1")
    assert "4 jobs: 4 already complete" in done.out
    again = fl.sweep(["-m", "freezing=frozen,direct", "seed=2,1"][1:] + SMALL)
    assert repr(again) == done.out.rstrip("\n") and again == results
    table = fl.results("runs")
    assert list(table["id"]) == [r.id for r in sorted(results, key=lambda r: r.folder.name)]
    for row, result in zip(table.itertuples(), sorted(results, key=lambda r: r.folder.name), strict=True):
        assert (row.state, row.freezing, row.seed) == (
            "complete",
            result.record["choices"]["freezing"],
            result.config["seed"],
        )
    by_id = table.set_index("id")
    assert all(by_id.loc[r.id, "test/f1_macro"] == r.metrics["test/f1_macro"] for r in results)
    assert all(by_id.loc[r.id, "optimizer.lr"] == r.config["optimizer"]["lr"] for r in results)
    report = fl.report("runs", rows="freezing", where={"seed": [1, 2]}, baseline={"freezing": "direct"})
    said = frostline("report", "runs", "--rows", "freezing", "--where", "seed=1,2", "--baseline", "freezing=direct")
    assert repr(report) == said.out.rstrip("\n") and said.status == 0
    with pytest.raises(UserError, match="--where seed: no run has 3"):
        fl.report("runs", where={"seed": 3})


def test_a_sweep_of_which_a_job_fails_keeps_the_results_of_the_others() -> None:
    with pytest.raises(SweepError) as caught:
        fl.sweep(SMALL, optimizer={"lr": [1e-3, 1e30]}, trainer={"gradient_clip_val": None})
    (result,) = caught.value.results
    assert result.config["optimizer"]["lr"] == 1e-3
    assert "2 jobs: 1 trained, 1 failed" in str(caught.value)


def test_a_plan_prints_as_the_command_and_is_written_as_it_writes(frostline: Command, tmp_path: Path) -> None:
    words = [*FEW, "logger=csv", "freezing=gradual", "trainer.max_epochs=4"]
    plan = fl.plan(words)
    assert repr(plan) == frostline("plan", *words).out.rstrip("\n")
    overrides = plan.write("mine.yaml")
    assert frostline("plan", *words, "--write", "theirs.yaml").status == 0
    mine, theirs = ((tmp_path / name).read_text().splitlines() for name in ("mine.yaml", "theirs.yaml"))
    assert mine[1:] == theirs[1:] and mine[0].replace("mine", "theirs") == theirs[0]
    assert fl.plan(overrides).plan.phases == plan.plan.phases
    with pytest.raises(UserError, match=r"'mine\.yaml' exists"):
        plan.write("mine.yaml")


def test_a_check_prints_as_the_command(frostline: Command) -> None:
    words = ["-m", *SMALL, "seed=1,2"]
    checked = fl.check(words)
    assert repr(checked) == frostline("check", *words).out.rstrip("\n")
    assert len(checked.folders) == 2 and not any(folder.exists() for folder in checked.folders)


def test_the_results_of_a_study_are_read_from_its_csv() -> None:
    study = Path(__file__).parents[2] / "experiments" / "depth" / "results.csv"
    table = fl.results(study)
    assert len(table) > 10 and {"arm", "encoder", "test/f1_macro", "id"} <= set(table)
    assert table["test/f1_macro"].between(0, 1).all()
    with pytest.raises(UserError, match="is no folder"):
        fl.results("nowhere")


def test_ranks_that_were_started_externally_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"SLURM_JOB_ID": 17, "SLURM_STEP_ID": 0, "SLURM_PROCID": 0, "SLURM_STEP_NUM_TASKS": 2}
    for name, value in {**variables, "SLURM_LOCALID": 0, "SLURM_NODEID": 0, "SLURM_STEP_NUM_NODES": 1}.items():
        monkeypatch.setenv(name, str(value))
    with pytest.raises(UserError, match="one of 2 that srun has started"):
        fl.run(SMALL)


def test_a_program_of_hydra_can_call_a_run(tmp_path: Path) -> None:
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "mine.yaml").write_text("x: 1\n")
    with initialize_config_dir(str(tmp_path / "mine"), version_base=None):
        assert fl.run(SMALL, freezing="direct").how == "trained"
        assert GlobalHydra.instance().is_initialized() and compose("mine").x == 1


def test_a_model_is_loaded_from_the_folder_of_its_run() -> None:
    result = fl.run(SMALL, freezing="frozen", head="logistic")
    model = fl.load(result)
    assert model.classes == result.classes and model.result == result
    texts = ["A film that I liked.", "Dull.", ""]
    probabilities = model.predict_proba(texts)
    assert probabilities.shape == (3, len(model.classes)) and np.allclose(probabilities.sum(axis=1), 1)
    assert model.predict(texts) == [model.classes[index] for index in probabilities.argmax(axis=1)]
    assert np.array_equal(fl.load(str(result.folder)).encode(texts), model.encode(texts))
    folder = fl.export(fl.run(SMALL, freezing="frozen", trainer={"max_epochs": 2}), "exported")
    assert (folder / "config.json").exists() and (folder / "model.safetensors").exists()
    with pytest.raises(UserError, match="format: no format is called onyx; did you mean onnx"):
        fl.export(result, "other", "onyx")
    with pytest.raises(UserError, match="exported"):
        fl.export(result, "exported")
    with pytest.raises(UserError, match="texts: is one string"):
        model.predict("a text")
    with pytest.raises(UserError, match="is not a folder"):
        fl.load("nowhere")
