"""Every combination of parts leaves a complete record."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from command_line import Command, in_process
from frostline.data.datasets.vader import Vader
from frostline.models.encoders.auto_model import locate_checkpoint
from parts import choices, config
from record import assert_full

frostline = in_process
FEW = [f"dataset.{size}" for size in ("max_train=48", "max_val=32", "max_test=32", "max_length=16", "batch_size=16")]
LIGHT = [*FEW, "trainer.max_epochs=2", "logger=csv"]
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(frostline: Command, tmp_path: Path) -> Run:
    """Return a function that runs a command and returns the result, with the run folder under the key `folder`."""

    def one(*words: str) -> dict[str, Any]:
        said = frostline(*words)
        assert said.status == 0, said.err
        assert "Traceback" not in said.err
        folder = tmp_path / said.out.splitlines()[-1].removeprefix("results: ")
        return assert_full(folder) | {"folder": folder}

    return one


@pytest.fixture
def bert_tiny() -> Path:
    """Return the folder of the pinned encoder."""
    known = config("encoder", "bert_tiny")
    return Path(locate_checkpoint(known["name"], known["pin"]))


def environment(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "environment.json").read_text())
    return content


def values(folder: Path) -> dict[str, float]:
    """Return the last value of each name in metrics.csv."""
    with (folder / "metrics.csv").open(newline="") as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize("words", ["freezing=frozen", "freezing=top_k freezing.k=2"])
def test_topics_with_minilm(run: Run, words: str) -> None:
    result = run("encoder=minilm", "dataset=newsgroups", *words.split(), *LIGHT)
    assert result["choices"]["encoder"] == "minilm"
    assert len(result["confusion"]) == 20


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_of_the_user_s(run: Run, tmp_path: Path, ending: str) -> None:
    raw = Vader("movies").load().train
    table = pd.DataFrame({"sentence": raw.texts[:400], "mood": raw.labels[:400]})
    if ending == "parquet":
        table.to_parquet("mine.parquet")
    elif ending == "jsonl":
        table.to_json("mine.jsonl", orient="records", lines=True)
    else:
        table.to_csv(f"mine.{ending}", index=False, sep="," if ending == "csv" else "\t")
    columns = ["dataset.text_column=sentence", "dataset.label_column=mood"]
    result = run("dataset=table", f"dataset.train=mine.{ending}", *columns, "freezing=frozen", *LIGHT)
    data = environment(result["folder"])["data"]
    assert data["classes"] == ["negative", "neutral", "positive"]
    assert data["texts"] == {"train": 48, "val": 32, "test": 32}


def test_an_encoder_in_a_folder_is_the_same_as_from_its_package(run: Run, bert_tiny: Path) -> None:
    shutil.copytree(bert_tiny, "my model")
    own = run("encoder=hub", "encoder.name='my model'", *LIGHT)
    ours = run("encoder=bert_tiny", *LIGHT)
    assert own["metrics"] == ours["metrics"]
    assert own["id"] != ours["id"]


def test_an_encoder_without_training(run: Run) -> None:
    result = run("encoder=scratch", *LIGHT)
    assert result["parameters"]["ever_trainable"] == result["parameters"]["total"]


USUAL = ("mean", "linear", "linear_warmup", "adamw")  # all other runs have them
CAUSAL = ("likelihood",)  # what reads a causal model has its own tests
PARTS = [f"{group}={name}" for group in ("pooler", "head", "scheduler", "optimizer") for name in choices(group)]


@pytest.mark.parametrize("choice", [part for part in PARTS if part.partition("=")[2] not in USUAL + CAUSAL])
def test_every_other_part(run: Run, choice: str) -> None:
    result = run(choice, "freezing=frozen", *LIGHT)
    group, _, name = choice.partition("=")
    assert result["choices"][group] == name
    assert choice in result["overrides"]


@pytest.mark.parametrize("name", [name for name in choices("freezing") if name not in ("rules", "schedule")])
def test_every_strategy(run: Run, name: str) -> None:
    more = ["freezing.probe_epochs=1"] if name == "lp_ft" else []
    more += ["trainer.max_epochs=5"] if name in ("gradual", "chain_thaw") else []  # a phase each
    result = run(f"freezing={name}", *LIGHT, *more)
    assert (result["best"]["epoch"] is None) == (name == "direct")


@pytest.mark.parametrize("name", choices("debug"))
def test_every_trial(run: Run, name: str) -> None:
    result = run(f"debug={name}", "freezing=frozen", *(FEW if name == "overfit" else []))
    assert result["choices"]["debug"] == name


def test_the_command_is_what_was_typed(frostline: Command, tmp_path: Path) -> None:
    """Without what a sweep adds to it for Hydra."""
    words = ["-m", "freezing=direct", "seed=2,3", *FEW, "logger=csv", "paths.runs='my runs'"]
    said = frostline(*words)
    assert said.status == 0, said.err
    folders = [file.parent for file in tmp_path.glob("my runs/default/*/result.json")]
    assert [environment(folder)["command"] for folder in folders] == [shlex.join(["frostline", *words])] * 2
    assert sorted(assert_full(folder)["seed"] for folder in folders) == [2, 3]


def test_without_curves_the_final_scores_stand_alone(run: Run) -> None:
    result = run("logger=none", "freezing=frozen", *FEW, "trainer.max_epochs=2")
    assert values(result["folder"]) == result["metrics"]


@pytest.mark.parametrize("name", ["auto", "wandb", "none", "tensorboard"])
def test_every_other_logger(run: Run, name: str) -> None:
    result = run(f"logger={name}", "freezing=frozen", *FEW, "trainer.max_epochs=2")
    assert (result["folder"] / "tensorboard").exists() == (name == "tensorboard")


def test_tensorboard_has_what_metrics_csv_has(run: Run) -> None:
    result = run("logger=tensorboard", "freezing=frozen", *FEW, "trainer.max_epochs=2")
    events = EventAccumulator(str(result["folder"] / "tensorboard"))
    events.Reload()
    last = {name: events.Scalars(name)[-1].value for name in events.Tags()["scalars"]}
    assert {name: value for name, value in last.items() if "/" in name} == pytest.approx(values(result["folder"]))
    assert len(events.Scalars("train/loss")) == 2


def failure(frostline: Command, *words: str) -> dict[str, Any]:
    """Return failure.json of a run that fails, and check that there is no result."""
    assert frostline(*words, *LIGHT).status != 0
    [file] = Path("runs").glob("default/*/failure.json")
    assert not (file.parent / "result.json").exists()
    failure_record: dict[str, Any] = json.loads(file.read_text())
    return failure_record


def test_a_failed_run_says_what_where_and_which_key(frostline: Command) -> None:
    failure_record = failure(frostline, "freezing=frozen", "head=knn", "head.k=9999")
    assert "9999 neighbours, but train has" in failure_record["what"]
    assert failure_record["keys"] == ["head.k"]
    assert any("knn.py" in line for line in failure_record["where"])


def test_a_run_that_diverges_says_so(frostline: Command) -> None:
    failure_record = failure(frostline, "freezing=full", "optimizer.lr=1e30", "trainer.gradient_clip_val=null")
    assert "the loss is nan" in failure_record["what"] and "lower optimizer.lr" in failure_record["what"]


def test_what_an_earlier_attempt_failed_of_is_gone_when_the_run_succeeds(run: Run, frostline: Command) -> None:
    words = ["freezing=rules", "freezing.phases=[{rules: [['*', 1]]}]"]
    result = run(*words, *LIGHT)
    (result["folder"] / "result.json").unlink()
    (result["folder"] / "failure.json").write_text("{}")
    assert not (run(*words, *LIGHT)["folder"] / "failure.json").exists()
