"""Several tasks in one run: each by hand in plain PyTorch, its scores, its share of an epoch, and what is refused.

The modules are frostline.data.tasks, frostline.models.task_heads, frostline.training.task_metrics and
frostline.config.checks.task_rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from sklearn.metrics import accuracy_score, f1_score
from torch import nn

from command_line import in_process
from frostline.config import jobs as command
from frostline.data.build import load_corpus
from frostline.data.tasks import task_rows, task_spans
from frostline.errors import UserError
from frostline.instantiate import make
from frostline.seeding import derive_seed
from frostline.training.run import run
from reference_loop import SEED, ByHand, assert_same, watched

frostline = in_process
TASKS = {
    "topics": {"sport": "the team won match {}", "food": "soup {} was too salty", "travel": "train {} left at noon"},
    "tone": {"good": "what a lovely film, number {}", "bad": "scene {} was dull and far too long"},
    "kind": {"question": "where is platform {} ?", "order": "close door {} now", "fact": "door {} is open"},
}
ROWS = {"topics": 30, "tone": 15, "kind": 10}
WORDS = ["--config-dir", "conf", "dataset=tasks", "dataset.tasks=[topics,tone,kind]", "dataset.batch_size=8"]
WORDS += ["trainer=cpu", "logger=csv", "trainer.min_steps=null", "trainer.max_epochs=2"]


@pytest.fixture(autouse=True)
def tasks(tmp_path: Path) -> None:
    """Write a csv file and a choice of `dataset` for each task."""
    (tmp_path / "conf" / "dataset").mkdir(parents=True)
    for name, classes in TASKS.items():
        rows = [f'{label},"{text.format(n)}"\n' for n in range(ROWS[name]) for label, text in classes.items()]
        (tmp_path / f"{name}.csv").write_text("label,text\n" + "".join(rows))
        lines = f"# Texts of {name}\ndefaults:\n  - table\n\ntrain: {name}.csv\n"
        (tmp_path / "conf" / "dataset" / f"{name}.yaml").write_text(lines)


def checked(*overrides: str) -> Any:
    (job,) = command.jobs_of_command([*WORDS, *overrides])
    return job


class TasksByHand(ByHand):
    """A loop with one head and one loss for each task; each batch has texts of several tasks."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.of_text: list[tuple[int, int]] = []  # the task of each training text, and its class there
        for task, name in enumerate(TASKS):
            (job,) = command.jobs_of_command(["dataset=table", f"dataset.train={name}.csv"])
            self.of_text += [(task, int(label)) for label in load_corpus(job.config["dataset"]).train.labels]
        torch.manual_seed(derive_seed(SEED, "head"))
        made = [make(config["head"], width=self.width, classes=len(classes)) for classes in TASKS.values()]
        self.head = nn.ModuleList(made)
        names = {f"head.heads.{name}": head for name, head in zip(TASKS, made, strict=True)}
        self.named = {f"{name}.{n}": p for name, head in names.items() for n, p in head.named_parameters()}
        self.named |= self.encoder()

    def loss(self, rows: Any) -> torch.Tensor:
        vectors, total = self.read(rows).mean(), torch.zeros(())
        for task, head in enumerate(self.head):
            own = [i for i, row in enumerate(rows) if self.of_text[row][0] == task]
            labels = torch.tensor([self.of_text[rows[i]][1] for i in own], dtype=torch.long)
            total = total + nn.functional.cross_entropy(head(vectors[own]), labels, reduction="sum")
        return total / len(rows)


def test_three_tasks_are_trained_as_by_hand() -> None:
    job = checked("trainer.monitor=null")
    (_, *_, last), _ = watched(job)
    by_hand = TasksByHand(job.config)
    assert {task for task, _ in by_hand.of_text} == {0, 1, 2}
    assert_same(last, by_hand.run())


def test_each_task_is_scored_by_itself() -> None:
    job = checked("freezing=frozen")
    result = run(job.config, job.choices, job.overrides, job.folder)
    rows = parquet.read_table(job.folder / "predictions.parquet").to_pylist()
    spans = task_spans(job.config["dataset"], result["classes"])
    assert list(spans) == list(TASKS)
    scores = []
    for name, span in spans.items():
        own = [row for row in rows if row["true_class"].startswith(f"{name}/")]
        assert {row["part"] for row in own} == {f"{name}/train"}  # from which the test set was cut
        true, predicted = [row["true_class"] for row in own], [row["predicted_class"] for row in own]
        labels = [result["classes"][c] for c in span]
        scores.append(f1_score(true, predicted, labels=labels, average="macro"))
        assert result["metrics"][f"test/{name}/f1_macro"] == pytest.approx(scores[-1])
        assert result["metrics"][f"test/{name}/accuracy"] == pytest.approx(accuracy_score(true, predicted))
        probabilities = np.array([[row[f"p_{c}"] for c in range(len(result["classes"]))] for row in own])
        assert probabilities[:, list(span)].sum(1) == pytest.approx(np.ones(len(own)))
        assert probabilities.sum() == pytest.approx(len(own))
        of_true = [row[f"p_{row['label']}"] for row in own]
        expected = -np.log(of_true).mean()
        assert result["metrics"][f"test/{name}/loss"] == pytest.approx(expected, rel=1e-4)
    assert result["metrics"]["test/f1_macro"] == pytest.approx(np.mean(scores))
    assert len(scores) == 3


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=60),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(0, 5),
    st.integers(0, 3),
)
def test_an_epoch_has_the_share_of_each_task(tasks: list[int], power: float, seed: int, epoch: int) -> None:
    names = sorted(set(tasks))
    tasks = [names.index(task) for task in tasks]
    rows = task_rows(tasks, power, seed, epoch)
    assert len(rows) == len(tasks)
    counts, drawn = np.bincount(tasks), np.bincount(np.asarray(tasks)[rows], minlength=len(names))
    exact = len(tasks) * counts**power / (counts**power).sum()
    assert np.abs(drawn - exact).max() < 1
    for task in range(len(names)):
        times = np.bincount(rows, minlength=len(tasks))[np.asarray(tasks) == task]
        assert times.max() - times.min() <= 1
    assert (task_rows(tasks, power, seed, epoch) == rows).all()
    if power == 1.0:
        assert sorted(rows.tolist()) == list(range(len(tasks)))


@pytest.mark.parametrize("sampling", ["temperature", "even"])
def test_batches_are_drawn_as_dataset_sampling_says(sampling: str) -> None:
    job = checked("freezing=frozen", f"dataset.sampling={sampling}", "trainer.max_epochs=1")
    result = run(job.config, job.choices, job.overrides, job.folder)
    by_size = checked("freezing=frozen", "trainer.max_epochs=1")
    other = run(by_size.config, by_size.choices, by_size.overrides, by_size.folder)
    assert result["cost"]["steps"] == other["cost"]["steps"] > 0
    assert result["metrics"]["test/loss"] != other["metrics"]["test/loss"]


def problems(*overrides: str) -> list[str]:
    with pytest.raises(UserError) as raised:
        checked(*overrides)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (("dataset.tasks=[topics]",), "dataset.tasks: ['topics'], and a run"),
        (("dataset.tasks=[topics,topics]",), "dataset.tasks: 'topics' occurs twice"),
        (("dataset.tasks=[topics,tonne]",), "dataset.tasks: there is no data set 'tonne'"),
        (("head=logistic", "freezing=frozen"), "head: is fitted to the texts of one task"),
        (("head=label_similarity",), "head: is initialised from the class names"),
        (("head=verbalizer",), "head: prompts the language model"),
        (("loss=focal",), "loss: is not known to be correct"),
        (("loss.label_smoothing=0.1",), "loss: label_smoothing"),
        (("regularizer=rdrop",), "regularizer: compares predictions"),
        (("dataset.shifts=[vader_nyt]",), "dataset.shifts: are test sets of one task"),
        (("dataset.sampling=evenly",), "dataset.sampling:"),
    ],
)
def test_what_is_not_possible_with_several_tasks_is_refused(overrides: tuple[str, ...], expected: str) -> None:
    assert any(line.startswith(expected) for line in problems(*overrides)), problems(*overrides)


def test_a_file_of_one_task_that_cannot_be_read_is_a_problem_of_the_tasks() -> None:
    Path("tone.csv").unlink()
    [line] = problems()
    assert line.startswith("dataset.tasks: tone: ")
