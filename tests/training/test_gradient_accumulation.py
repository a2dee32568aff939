"""Gradient accumulation: a step over micro-batches equals one over the whole batch; and early stopping."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from conftest import Go
from frostline.seeding import derive_seed
from prepared_run import trained_run
from reference_loop import EPOCHS, FEW, SEED, few_texts


@pytest.fixture(autouse=True)
def few(own_folder: None) -> None:
    few_texts()


RESTRAINED = ["freezing=full", "regularizer=l2_sp", "regularizer.alpha=1", "averaging=ema"]


MEASURING = pytest.param(["freezing=auto_rgn"], marks=pytest.mark.slow)


@pytest.mark.parametrize("words", [RESTRAINED, MEASURING], ids=lambda words: words[0])
def test_parts_add_up_to_the_batch(go: Go, plain: list[str], words: list[str]) -> None:
    """21 steps, the last of each epoch with 2 texts, so that two of its four micro-batches have none."""
    common = [*FEW, *plain, *words, "optimizer=sgd", "dataset.max_train=98"]
    whole, parts = (go(*common, f"trainer.accumulate_grad_batches={n}") for n in (1, 4))
    assert whole["phases"][0]["steps"] == parts["phases"][0]["steps"] == [1, 21]
    one, other = (load_file(run["folder"] / "checkpoints/best.safetensors") for run in (whole, parts))
    assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-5
    curves = [pd.read_csv(run["folder"] / "metrics.csv") for run in (whole, parts)]
    assert curves[0][["step", "epoch", "name"]].equals(curves[1][["step", "epoch", "name"]])
    assert curves[0].value.to_list() == pytest.approx(curves[1].value.to_list(), abs=1e-4)
    if words == RESTRAINED:  # a strategy that measures reads more batches, the short one perhaps among them
        fillers = 2 * EPOCHS
        assert parts["cost"]["texts_encoded"] == whole["cost"]["texts_encoded"] + fillers


class Seeds(pl.Callback):
    """Records the seed of dropout of each micro-batch."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def on_train_batch_end(self, *args: Any) -> None:
        self.seen.append(torch.initial_seed())


def test_parts_draw_their_own_dropout_as_further_ranks_would(job: Any) -> None:
    seeds = Seeds()
    trained_run(
        job(
            *FEW,
            "freezing=full",
            "trainer.accumulate_grad_batches=4",
            "trainer.limit_batches=2",
            "trainer.max_epochs=1",
        ),
        seeds,
    )
    assert seeds.seen == [derive_seed(SEED, "dropout", step, place) for step in range(2) for place in range(4)]


# Early stopping


NOTHING_IMPROVES = ["optimizer.lr=1e-12", "trainer.max_epochs=8"]


def epochs(result: dict[str, Any]) -> list[list[int]]:
    return [phase["epochs"] for phase in result["phases"]]


def test_a_run_ends_when_its_best_epoch_lies_so_many_epochs_back(go: Go) -> None:
    result = go(*FEW, *NOTHING_IMPROVES, "freezing=top_k", "trainer.patience=2")
    assert epochs(result) == [[1, 3]]
    assert result["best"]["epoch"] == 1
    assert result["phases"][0]["steps"] == [1, 21]


def test_no_phase_is_left_out_by_patience(go: Go) -> None:
    """The first phase does not improve; the second one begins nevertheless and has its epochs."""
    result = go(*FEW, *NOTHING_IMPROVES, "freezing=lp_ft", "freezing.probe_epochs=3", "trainer.patience=1")
    assert epochs(result) == [[1, 3], [4, 4]]


@pytest.mark.slow
def test_where_training_decides_the_last_phase_must_have_begun(go: Go) -> None:
    result = go(*FEW, *NOTHING_IMPROVES, "freezing=plateau", "freezing.patience=1", "trainer.patience=1")
    assert len(epochs(result)) == 4
    assert epochs(result)[-1][1] == epochs(result)[-1][0] < 8


def test_patience_that_never_runs_out_changes_nothing(go: Go) -> None:
    words = [*FEW, "freezing=frozen", "trainer.max_epochs=3"]
    with_it, without = go(*words, "trainer.patience=3"), go(*words)
    assert with_it["metrics"] == without["metrics"]
    assert epochs(with_it) == epochs(without) == [[1, 3]]
