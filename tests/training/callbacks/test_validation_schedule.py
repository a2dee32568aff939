"""Which epochs are validated, and what uses the scores of these epochs only."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from conftest import Go
from reference_loop import FEW, few_texts


@pytest.fixture(autouse=True)
def few(own_folder: None) -> None:
    few_texts()


def validated(result: dict[str, Any]) -> list[int]:
    """Return the epochs with validation scores, after checking that every epoch has a training loss."""
    rows = pd.read_csv(result["folder"] / "metrics.csv")
    assert sorted(rows[rows.name == "train/loss"].epoch) == list(range(1, result["phases"][-1]["epochs"][1] + 1))
    return sorted(rows[rows.name == "val/f1_macro"].epoch)


def test_every_second_epoch_and_the_last_are_validated_and_the_weights_are_those_of_any_other_run(go: Go) -> None:
    words = [*FEW, "freezing=top_k", "trainer.max_epochs=5", "trainer.monitor=null"]
    seldom, often = go(*words, "trainer.check_val_every_n_epoch=2"), go(*words)
    assert validated(seldom) == [2, 4, 5]
    assert validated(often) == [1, 2, 3, 4, 5]
    assert seldom["metrics"] == often["metrics"]
    one, other = (load_file(run["folder"] / "checkpoints/best.safetensors") for run in (seldom, often))
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_the_best_epoch_is_one_of_those_validated(go: Go) -> None:
    words = [*FEW, "freezing=frozen", "trainer.max_epochs=6", "trainer.monitor=val/loss", "optimizer.lr=0.3"]
    often, seldom = go(*words), go(*words, "trainer.check_val_every_n_epoch=4")
    rows = pd.read_csv(often["folder"] / "metrics.csv")
    losses = rows[rows.name == "val/loss"].set_index("epoch").value
    assert often["best"]["epoch"] == losses.idxmin()
    assert seldom["best"]["epoch"] == losses[[4, 6]].idxmin()


def test_patience_and_plateaus_look_after_those_alone(go: Go) -> None:
    """If nothing improves, a layer is unfrozen after each validation from the second on, not after each epoch."""
    words = [*FEW, "optimizer.lr=1e-12", "trainer.max_epochs=9", "trainer.check_val_every_n_epoch=2"]
    thawed = go(*words, "freezing=plateau", "freezing.patience=1")
    assert [phase["epochs"] for phase in thawed["phases"]] == [[1, 4], [5, 6], [7, 8], [9, 9]]
    ended = go(*words, "freezing=frozen", "trainer.patience=1")
    assert ended["phases"][0]["epochs"] == [1, 4]
