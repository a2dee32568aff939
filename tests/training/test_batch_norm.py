"""A head with batch normalisation trains with at least two texts a batch, or is refused before training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from frostline.data.batches import training_order, without_single_texts
from frostline.errors import UserError
from frostline.training.batch_norm import check_batch_norms
from prepared_run import prepared_run
from reference_loop import few_texts

Go = Callable[..., dict[str, Any]]
NORMED = '''
from torch import nn


class Normed(nn.Sequential):
    """Batch normalisation and a linear layer."""

    def __init__(self, width: int, classes: int, tracked: bool = True) -> None:
        super().__init__(nn.BatchNorm1d(width, track_running_stats=tracked), nn.Linear(width, classes))
'''


@pytest.fixture
def normed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    Path("normed_heads.py").write_text(NORMED)
    monkeypatch.syspath_prepend(str(Path.cwd()))
    return ["head._target_=normed_heads.Normed", "~head.dropout", *few_texts(93), "trainer.max_epochs=2"]


@given(st.integers(2, 60), st.integers(3, 9), st.integers(0, 5))
def test_no_batch_has_one_text_and_each_text_is_in_one_batch(texts: int, batch_size: int, seed: int) -> None:
    batches = training_order(list(range(texts)), batch_size, seed, 0)
    joined = without_single_texts(batches)
    assert all(len(batch) >= 2 for batch in joined) and len(joined) == len(batches)
    assert sorted(np.concatenate(joined).tolist()) == list(range(texts))
    if all(len(batch) > 1 for batch in batches):
        assert all(map(np.array_equal, joined, batches)), "other runs keep their order"


def test_a_run_with_a_last_batch_of_one_trains_and_keeps_its_statistics(go: Go, normed: list[str]) -> None:
    result = go(*normed, "freezing=frozen", "dataset.batch_size=8")
    assert 65 % 8 == 1
    weights = load_file(result["folder"] / "checkpoints" / "best.safetensors")
    assert weights["head.0.num_batches_tracked"] == 2 * 9
    assert not torch.equal(weights["head.0.running_mean"], torch.zeros(128))


def test_what_cannot_be_right_is_refused_with_the_name_of_the_module(job: Any, normed: list[str]) -> None:
    checked = job(*normed, "freezing=frozen")
    engine = prepared_run(checked).classifier.engine
    norms = engine.batch_norms()
    assert [*norms] == ["head.0"]
    trainer, averaging = checked.config["trainer"], {"_target_": "frostline.training.averaging.ema.Ema"}
    for expected, change, ranks in (
        (r"trainer\.devices: 2 processes, .*BatchNorm1d head\.0; give 1, or .*LayerNorm", {}, 2),
        (r"trainer\.accumulate_grad_batches: 4 .*head\.0", {"trainer": trainer | {"accumulate_grad_batches": 4}}, 1),
        (r"averaging: would combine .*head\.0", {"averaging": averaging}, 1),
        (r"dataset\.batch_size: 1 leaves a batch of 1 text", {"dataset": {"batch_size": 1}}, 1),
        (r"dataset\.batch_size: 2 leaves a batch of 1 text", {"dataset": {"batch_size": 2}}, 1),
    ):
        with pytest.raises(UserError, match=expected):
            check_batch_norms(norms, checked.config | change, 65, ranks)
    check_batch_norms(norms, checked.config | {"dataset": {"batch_size": 2}}, 64, 1)
    check_batch_norms(norms, checked.config | {"trainer": trainer | {"max_epochs": 0}}, 65, 2)


def test_batch_normalisation_without_running_statistics_is_refused(go: Go, normed: list[str]) -> None:
    with pytest.raises(UserError, match=r"head: head\.0 has no running statistics"):
        go(*normed, "+head.tracked=false", "freezing=frozen")


def test_a_head_that_is_never_trained_keeps_its_statistics_and_is_accepted(job: Any, normed: list[str]) -> None:
    run = prepared_run(job(*normed, "freezing=direct"))
    assert run.classifier.engine.batch_norms() == {}
    assert any(isinstance(module, nn.BatchNorm1d) for module in run.classifier.model.modules())
