"""The objects that training/run.py puts together: callbacks in their order, batches, checkpoint state and cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from frostline.results.search_storage import TRIAL, PrunableTrial
from frostline.training.callbacks.order import Callbacks
from frostline.training.checkpoint_state import CheckpointState
from frostline.training.classifier import Classifier
from frostline.training.cost import peak_memory
from frostline.training.data_module import DataModule
from frostline.training.trainer import attach
from prepared_run import PreparedRun, prepared_run

SMALL = ["freezing=full", "dataset.max_train=40", "dataset.max_val=16", "dataset.max_test=16", "dataset.batch_size=8"]


@pytest.fixture
def run(job: Any) -> PreparedRun:
    prepared = prepared_run(job(*SMALL, "trainer=cpu", "cache.mode=off"))
    attach(prepared.classifier, prepared.trainer, prepared.data)
    return prepared


def names_of(run: PreparedRun) -> list[str]:
    return [type(callback).__name__ for callback in run.trainer.callbacks]


def test_callbacks_are_called_in_the_order_that_each_of_them_needs() -> None:
    assert list(Callbacks._fields) == [
        "best",  # while the average is in the model
        "weight_averaging",  # which puts the trained weights back
        "early_stopping",  # by the best epoch
        "pruning",  # only if the run does not end anyway
        "resume",  # with the state of all of these
        "progress",
        "validation_schedule",
        "fit_head",
        "language_model_record",
        "predictions",
    ]


def test_a_run_has_the_callbacks_that_its_config_asks_for(
    job: Any, run: PreparedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert names_of(run) == ["BestCheckpoint", "ResumeCheckpoint", "ProgressReporter", "Predictions"]
    trial = PrunableTrial("storage", "search", 0, "val/f1_macro", {})
    monkeypatch.setenv(TRIAL, trial.to_json())
    options = ["averaging=ema", "trainer.patience=1", "trainer.check_val_every_n_epoch=2"]
    assert names_of(prepared_run(job(*SMALL, "trainer=cpu", *options))) == [
        "BestCheckpoint",
        "WeightAveraging",
        "EarlyStopping",
        "Pruning",
        "ResumeCheckpoint",
        "ProgressReporter",
        "ValidationSchedule",
        "Predictions",
    ]
    monkeypatch.delenv(TRIAL)
    fitted = names_of(prepared_run(job(*SMALL, "trainer=cpu", "freezing=frozen", "head=logistic")))
    assert fitted == ["BestCheckpoint", "ResumeCheckpoint", "ProgressReporter", "FitHead", "Predictions"]
    words = "head.words={negative: terrible, neutral: okay, positive: great}"
    prompted = names_of(prepared_run(job(*SMALL, "trainer=cpu", "head=verbalizer", words)))
    assert prompted == ["BestCheckpoint", "ResumeCheckpoint", "ProgressReporter", "LanguageModelRecord", "Predictions"]


def texts_of(batches: Any) -> list[int]:
    return [index for batch in batches for index in batch["indices"].tolist()]


def test_every_text_is_read_once_and_epochs_differ_only_by_their_number(run: PreparedRun) -> None:
    loader = run.data.train_dataloader()
    first, again = texts_of(loader), texts_of(loader)
    assert sorted(first) == list(range(40)) and first == again
    run.trainer.fit_loop.epoch_progress.current.completed = 1
    second = texts_of(loader)
    assert sorted(second) == list(range(40)) and second != first


def test_the_test_loader_reads_the_test_set_that_the_classifier_names(run: PreparedRun) -> None:
    assert isinstance(run.data, DataModule)
    run.built.tokens["test_other"] = run.built.tokens["val"]
    run.classifier.test_split = "test_other"
    labels = torch.cat([batch["labels"] for batch in run.data.test_dataloader()])
    expected = torch.cat([batch["labels"] for batch in run.data.val_dataloader()])
    assert torch.equal(labels, expected)


def changed(classifier: Classifier) -> Iterator[str]:
    """Change all weights and yield their names."""
    for name, value in classifier.checkpoint_state.weights().items():
        value.add_(1.0)
        yield name


def test_a_checkpoint_brings_back_weights_phases_and_counts(run: PreparedRun) -> None:
    state = run.classifier.checkpoint_state
    assert isinstance(state, CheckpointState)
    run.built.model.texts_read, state.epoch_loss.total = 7, 1.5
    before = {name: value.clone() for name, value in state.weights().items()}
    checkpoint: dict[str, Any] = {}
    state.save(checkpoint, ranks=1)
    checkpoint["state_dict"] = before
    assert list(changed(run.classifier)) == list(before)
    run.classifier.tracker.finish_phase(1, 5, "digest")
    state.load(checkpoint, rank=0, ranks=1)
    assert all(torch.equal(value, before[name]) for name, value in state.weights().items())
    assert run.built.model.texts_read == 7 and state.epoch_loss.total == 1.5
    assert run.classifier.tracker.start == (0, 0)


def test_with_another_number_of_ranks_the_first_one_has_all_counts(run: PreparedRun) -> None:
    state = run.classifier.checkpoint_state
    checkpoint: dict[str, Any] = {}
    state.save(checkpoint, ranks=1)
    checkpoint["counts"] = [[3, 2, 1, 0.5, 4], [5, 4, 1, 0.25, 2]]
    state.load(checkpoint, rank=0, ranks=1)
    model = run.built.model
    assert [model.texts_read, model.texts_encoded, model.texts_from_store] == [8, 6, 2]
    assert (state.epoch_loss.total, state.epoch_loss.texts) == (0.75, 6)


def test_peak_memory_is_that_of_the_gpu_where_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert peak_memory() > 1e7
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 12345)
    assert peak_memory() == 12345
