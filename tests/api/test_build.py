"""A module and a data module, fitted with a plain Trainer, give the weights and scores of the run.

Tests frostline.api.runs, frostline.training.standalone_data.
"""

from __future__ import annotations

from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch
from safetensors.torch import load_file

import frostline as fl
from frostline.errors import UserError

FEW = [f"dataset.{size}" for size in ("max_train=48", "max_val=16", "max_test=32", "max_length=16", "batch_size=16")]
SMALL = [*FEW, "logger=csv", "trainer.monitor=null"]
QUIET = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
ARMS = {
    "phases": ["freezing=lp_ft", "freezing.probe_epochs=1", "trainer.max_epochs=3"],
    "adaptive, micro-batches": ["freezing=auto_rgn", "trainer.max_epochs=2", "trainer.accumulate_grad_batches=2"],
}


@pytest.mark.filterwarnings("ignore")  # Lightning's advice on workers and accelerators
@pytest.mark.parametrize("arm", ARMS)
def test_a_plain_trainer_gives_the_weights_and_scores_of_the_run(arm: str, tmp_path: Path) -> None:
    words = [*SMALL, *ARMS[arm]]
    result = fl.run(words)
    module, data = fl.build(words)
    trainer = pl.Trainer(**data.trainer_arguments, **QUIET, default_root_dir=tmp_path / "lightning")
    trainer.fit(module, datamodule=data)
    expected, weights = load_file(result.folder / "checkpoints" / "best.safetensors"), module.checkpoint_state.weights()
    assert weights.keys() == expected.keys()
    assert [name for name, value in weights.items() if not torch.equal(value, expected[name])] == []
    assert [phase["weights"] for phase in module.tracker.finished] == [p["weights"] for p in result.record["phases"]]
    trainer.test(module, datamodule=data, verbose=False)
    scores = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("test/")}
    assert "test/f1_macro" in scores
    assert scores == {name: value for name, value in result.metrics.items() if name.startswith("test/")}


@pytest.mark.filterwarnings("ignore")
def test_a_closed_form_head_is_fitted(tmp_path: Path) -> None:
    words = [*SMALL, "freezing=frozen", "head=logistic"]
    result = fl.run(words)
    module, data = fl.build(words)
    trainer = pl.Trainer(**QUIET, default_root_dir=tmp_path / "lightning")
    trainer.validate(module, datamodule=data, verbose=False)
    trainer.test(module, datamodule=data, verbose=False)
    assert float(trainer.callback_metrics["test/f1_macro"]) == result.metrics["test/f1_macro"]


@pytest.mark.filterwarnings("ignore")
def test_what_a_plain_trainer_cannot_do_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="averaging: 'ema' needs a run"):
        fl.build(SMALL, averaging="ema")
    module, data = fl.build(SMALL, trainer={"max_epochs": 2})
    with pytest.raises(UserError, match="Trainer: max_epochs: 5, but this run needs 2"):
        pl.Trainer(max_epochs=5, **QUIET, default_root_dir=tmp_path / "lightning").fit(module, datamodule=data)
