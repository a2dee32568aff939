"""`frostline evaluate`: the stored scores to the bit, further test sets beside a run, and data that do not fit.

It is of frostline.commands.evaluate, frostline.config.evaluation and frostline.export.evaluation_data.
"""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet
from sklearn.metrics import f1_score

from command_line import Command, in_process
from frostline.export import evaluate
from frostline.results.folder import RunFolder

frostline = in_process
TOPICS = {"sport": "the team won match {}", "food": "soup {} was salty", "travel": "train {} left at noon"}
DATA = "dataset.train=texts.csv"
TAGS = ("dataset.train=tags.csv", "dataset.label_column=[near,far]")


def write_tables(folder: Path) -> None:
    """Write texts.csv with three classes, tags.csv with two labels, and other.csv, which has those of texts.csv too."""
    rows = [(topic, text.format(number)) for number in range(40) for topic, text in TOPICS.items()]
    (folder / "texts.csv").write_text("label,text\n" + "".join(f"{topic},{text}\n" for topic, text in rows))
    tags = "".join(f"{int(topic != 'food')},{int(topic != 'sport')},{text}\n" for topic, text in rows)
    (folder / "tags.csv").write_text("near,far,text\n" + tags)
    other = [(topic, f"{text.format('late')} {number}") for number in range(30) for topic, text in TOPICS.items()]
    other += rows
    (folder / "other.csv").write_text("label,text\n" + "".join(f"{topic},{text}\n" for topic, text in other))
    conf = folder / "conf" / "dataset"
    conf.mkdir(parents=True)
    (conf / "other.yaml").write_text("_target_: frostline.data.datasets.table.Table\ntrain: other.csv\nsplit_seed: 1\n")


def train(folder: Path, *overrides: str) -> RunFolder:
    from frostline.config.jobs import jobs_of_command
    from frostline.training.run import run

    with contextlib.chdir(folder):
        command = ["logger=csv", "dataset=table", "trainer.max_epochs=1", "trainer.min_steps=null", *overrides]
        (job,) = jobs_of_command(command)
        run(job.config, job.choices, job.overrides, job.folder)
        return RunFolder(job.folder.absolute())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with a shifted test set."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FROSTLINE_STORE", str(folder / "store"))
        write_tables(folder)
        return train(folder, "--config-dir", "conf", DATA, "freezing=frozen", "dataset.shifts=[other]")


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    write_tables(tmp_path)
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def contents(run: RunFolder) -> dict[str, bytes]:
    return {str(file.relative_to(run.path)): file.read_bytes() for file in run.path.rglob("*") if file.is_file()}


def scores(run: RunFolder, name: str) -> dict[str, float]:
    record = run.read_evaluations()[f"test_{name}"]
    return {metric.partition("/")[2]: value for metric, value in record["metrics"].items()}


def recorded(run: RunFolder, test_set: str) -> dict[str, float]:
    metrics = json.loads(run.result.read_text())["metrics"]
    return {name.partition("/")[2]: value for name, value in metrics.items() if name.startswith(f"{test_set}/")}


def predictions(run: RunFolder, test_set: str) -> Any:
    file = parquet.read_table(run.predictions_of(test_set))
    return file.filter(np.array(file["set"].to_pylist()) == test_set).drop_columns(["set"]).to_pylist()


@pytest.mark.parametrize(
    "overrides",
    [
        (DATA, "freezing=full", "averaging=ema"),
        (DATA, "freezing=lp_ft", "freezing.probe_epochs=1", "trainer.max_epochs=2", "cache.mode=on"),
        (DATA, "freezing=frozen", "head=mlp", "pooler=layer_mix"),
        (DATA, "freezing=frozen", "head=logistic"),
        (DATA, "freezing=direct", "head=verbalizer"),
        (*TAGS, "freezing=frozen"),
    ],
    ids=" ".join,
)
def test_the_test_set_of_a_run_has_its_stored_scores(
    frostline: Command, tmp_path: Path, overrides: tuple[str, ...]
) -> None:
    write_tables(tmp_path)
    run = train(tmp_path, *overrides)
    data = [word for word in overrides if word.startswith("dataset")]
    before = contents(run)
    said = frostline("evaluate", str(run.path), "dataset=table", *data)
    assert said.status == 0, said.err
    assert "this is the test set of the run" in said.err
    assert scores(run, "table") == recorded(run, "test")
    assert predictions(run, "test_table") == predictions(run, "test")
    after = contents(run)
    assert {name: after[name] for name in before} == before
    record = run.read_evaluations()["test_table"]
    result = json.loads(run.result.read_text())
    assert {key: record.get(key) for key in ("confusion", "thresholds", "classes")} == {
        key: result.get(key) for key in ("confusion", "thresholds", "classes")
    }


def test_another_domain_has_the_scores_of_a_shift(frostline: Command, run: RunFolder) -> None:
    said = frostline("evaluate", str(run.path), "dataset=other", "--config-dir", "conf", "--name", "again")
    assert said.status == 0, said.err
    assert "that are in the training set" in said.err
    assert scores(run, "again") == recorded(run, "test_other")
    assert predictions(run, "test_again") == predictions(run, "test_other")
    report = frostline("report", str(run.path), "--metric", "test_again/f1_macro")
    assert f"{scores(run, 'again')['f1_macro']:.3f}" in report.out
    taken = frostline("evaluate", str(run.path), "dataset=other", "--config-dir", "conf")
    assert (taken.status, "the run has a test set test_other" in taken.err) == (2, True)


def test_a_file_with_other_names_is_mapped(frostline: Command, run: RunFolder) -> None:
    rows = [("0", "soup that was cold"), ("1.0", "the team lost"), ("0", "salty soup")]
    with Path("new.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("topic", "body"), *rows])
    columns = ["dataset.text_column=body", "dataset.label_column=topic"]
    refused = frostline("evaluate", str(run.path), "new.csv", *columns)
    assert refused.status == 2
    assert "the data set has the classes 0, 1, the run has food, sport, travel" in refused.err
    assert not run.evaluations.exists()
    said = frostline("evaluate", str(run.path), "new.csv", *columns, "--map", "0=food,1=sport")
    assert said.status == 0, said.err
    assert "no text has the class travel" in said.err
    found = predictions(run, "test_new")
    assert [row["true_class"] for row in found] == ["food", "sport", "food"]
    truth, classes = [row["true_class"] for row in found], [row["predicted_class"] for row in found]
    oracle = f1_score(truth, classes, labels=["food", "sport", "travel"], average="macro", zero_division=0)
    assert scores(run, "new")["f1_macro"] == pytest.approx(oracle)
    assert [row["row"] for row in found] == [1, 2, 3]


def test_an_evaluation_is_never_overwritten(frostline: Command, run: RunFolder) -> None:
    Path("new.csv").write_text("label,text\nfood,a cold soup\n")
    assert frostline("evaluate", str(run.path), "new.csv").status == 0
    before = contents(run)
    again = frostline("evaluate", str(run.path), "new.csv")
    assert (again.status, "evaluated before" in again.out) == (0, True)
    Path("new.csv").write_text("label,text\nsport,a cold soup\n")
    other = frostline("evaluate", str(run.path), "new.csv")
    assert (other.status, "the run was evaluated on other texts as test_new" in other.err) == (2, True)
    assert contents(run) == before


def test_mistakes_are_named_before_anything_is_written(frostline: Command, run: RunFolder, tmp_path: Path) -> None:
    for words, reason in {
        (): "names no run",
        ("nowhere", "dataset=table"): "is no folder",
        (str(tmp_path), "dataset=table"): "holds no complete run",
        (str(run.path), "nothing.csv"): "no file nothing.csv",
        (str(run.path),): "dataset: is not chosen",
        (str(run.path), "dataset=newsgruops"): "did you mean",
        (str(run.path), "head=mlp"): "head: is no key of a data set",
        (str(run.path), "texts.csv", "--map", "food"): "is no pair of classes",
        (str(run.path), "texts.csv", "--name", "a b"): "is no name",
        (str(run.path), "tags.csv", "dataset.label_column=[near,far]"): "the run has food, sport, travel",
        (str(run.path), "texts.csv", "dataset.text_column=body"): "no column 'body'",
    }.items():
        said = frostline("evaluate", *words)
        assert (said.status, reason in said.err, "Traceback" in said.err) == (2, True, False), (words, said.err)
    assert not run.evaluations.exists()


def test_training_texts_can_stay(frostline: Command, run: RunFolder) -> None:
    Path("same.csv").write_text(Path("texts.csv").read_text())
    said = frostline("evaluate", str(run.path), "same.csv", "--keep-training-texts")
    assert "test_same: 120 texts\n" in said.err
    Path("texts.csv").write_text("label,text\n")  # the data set of the run
    refused = frostline("evaluate", str(run.path), "same.csv", "--name", "more")
    assert (refused.status, "give --keep-training-texts" in refused.err) == (2, True)


def test_a_full_disk_leaves_nothing(frostline: Command, run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(evaluate, "write_json", full)
    said = frostline("evaluate", str(run.path), "other.csv", "--name", "more")
    assert (said.status, "No space left on device" in said.err) == (1, True)
    assert list(run.evaluations.iterdir()) == []
