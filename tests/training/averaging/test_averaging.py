"""Averaged weights equal those of torch's AveragedModel, and WiSE-FT's curve has the right ends.

Tests frostline.training.callbacks.weight_averaging, frostline.training.interpolation.
"""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn

from conftest import Go
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from parts import choices
from prepared_run import prepare, trained_run
from reference_loop import EPOCHS, FEW, LAST, ByHand, Weights, assert_same, few_texts, weights_of

PHASES = "[{name: a, epochs: 1, rules: [['head.*', 1.0], ['*', null]]}, {name: b, rules: [['*', 1.0]]}]"
TWO_PHASES = ["freezing=rules", f"freezing.phases={PHASES}"]
PLAIN: list[Weights] = []  # after each epoch, without an average


@pytest.fixture(autouse=True)
def few(own_folder: None) -> None:
    few_texts()


class Watch(pl.Callback):
    """Records the weights during each validation, and after each epoch of training."""

    def __init__(self) -> None:
        self.validated: list[Weights] = []
        self.trained: list[Weights] = []

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.validated.append(weights_of(pl_module))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.trained.append(weights_of(pl_module))


def moving(hand: ByHand, name: str) -> tuple[AveragedModel, bool]:
    """Return torch's average of encoder and head, and whether it averages every step or every epoch."""
    both = torch.nn.ModuleDict({"head": hand.head, "encoder": hand.model})
    if name == "ema":
        return AveragedModel(both, multi_avg_fn=get_ema_multi_avg_fn(0.8)), True
    return AveragedModel(both, multi_avg_fn=get_swa_multi_avg_fn()), False


def averages_by_hand(config: dict[str, Any], name: str) -> list[Weights]:
    """Return torch's average after each epoch; the model's weights before anything is averaged."""
    hand = ByHand(config, lambda parameter, epoch: epoch > 0 or parameter.startswith("head."))
    averaged, every_step = moving(hand, name)
    steps, seen = list(hand.batches(0)), []
    for epoch in hand.steps():
        ends = hand.step % len(steps) == 0
        if every_step or (ends and (epoch + 1) / EPOCHS >= 0.5):
            averaged.update_parameters(torch.nn.ModuleDict({"head": hand.head, "encoder": hand.model}))
        if ends:
            names = dict(zip((id(p) for p in hand.named.values()), hand.named, strict=True))
            own = [names[id(p)] for p in [*hand.head.parameters(), *hand.model.parameters()]]
            kept = dict(zip(own, (p.detach().clone() for p in averaged.module.parameters()), strict=True))
            seen.append(kept if int(averaged.n_averaged) else hand.weights())
    return seen


def close(ours: Weights, theirs: Weights, atol: float = 1e-6) -> bool:
    return all(float((ours[n] - theirs[n]).abs().max()) <= atol for n in theirs if not n.endswith("key.bias"))


@pytest.mark.parametrize("words", ["averaging=ema averaging.decay=0.8", "averaging=swa"])
def test_the_average_is_that_of_torch_s_averaged_model(job: Any, words: str) -> None:
    """In both phases the average is validated and saved, and training is the same as without it."""
    run_job, watch = job(*FEW, *TWO_PHASES, LAST, *words.split()), Watch()
    fit = trained_run(run_job, watch)
    expected = averages_by_hand(run_job.config, run_job.choices["averaging"])
    assert len(watch.validated) == EPOCHS
    for epoch in range(EPOCHS):
        assert close(watch.validated[epoch], expected[epoch]), epoch
    assert not close(watch.validated[-1], watch.trained[-1])
    assert_same(fit.classifier.engine.parameters, expected[-1], 1e-6)
    kept = load_file(fit.folder.best)
    assert all(torch.equal(kept[name], value) for name, value in watch.validated[-1].items())
    if not PLAIN:
        plain = Watch()
        trained_run(job(*FEW, *TWO_PHASES, LAST), plain)
        PLAIN.extend(plain.trained)
    for ours, without in zip(watch.trained, PLAIN, strict=True):
        assert all(torch.equal(ours[name], without[name]) for name in without)


def test_parameters_that_are_never_trained_keep_their_bits_in_the_average(job: Any) -> None:
    """So the cached vectors are right for the average too."""
    watch = Watch()
    fit = trained_run(job(*FEW, "freezing=top_k", LAST, "averaging=ema"), watch)
    lower = [name for name in fit.classifier.engine.parameters if not fit.built.plan.ever_trains(name)]
    assert lower
    assert all(torch.equal(watch.validated[-1][name], watch.trained[0][name]) for name in lower)


AGAIN = "[{name: a, epochs: 1, rules: [['*', 1.0]]}, {name: b, rules: [['head.*', 1.0], ['*', null]]}]"


def test_cached_vectors_are_those_of_the_weights_that_are_scored(go: Go) -> None:
    """The encoder is frozen again: validation uses vectors of the average, training those of the trained weights."""
    words = [*FEW, "freezing=rules", f"freezing.phases={AGAIN}", LAST, "averaging=ema", "optimizer.lr=0.001"]
    result = go(*words)
    place = RunFolder(result["folder"])
    fit = prepare(yaml.safe_load(place.config.read_text()), read_json(place.job), RunFolder(place.path / "again"))
    fit.restore(load_file(place.best))
    assert fit.evaluate() == pytest.approx(result["metrics"], abs=1e-6)


# WiSE-FT


def test_the_ends_of_the_curve_are_the_models_before_and_after(go: Go) -> None:
    """With the head interpolated too, alpha 0 is the initial model and alpha 1 the trained one, with the same bits."""
    words = [*FEW, "freezing=full", LAST, "optimizer.lr=0.001"]
    wise = go(*words, "averaging=wise_ft", "averaging.head=true", "averaging.alpha=0.35")
    after, before = go(*words), go(*words, "trainer.max_epochs=0")
    curve = {row["alpha"]: row for row in wise["wise_ft"]}
    assert list(curve) == [0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
    for alpha, other in ((0, before), (1, after)):
        tests = {name: value for name, value in other["metrics"].items() if name.startswith("test/")}
        assert {name: curve[alpha][name] for name in tests} == tests
    assert wise["alpha"] == 0.35
    assert {name: curve[0.35][name] for name in wise["metrics"]} == wise["metrics"]
    kept, ends = (
        load_file(wise["folder"] / "checkpoints/best.safetensors"),
        load_file(after["folder"] / "checkpoints/best.safetensors"),
    )
    start = load_file(before["folder"] / "checkpoints/best.safetensors")
    for name in ("head.out.weight", "head.out.bias"):
        torch.testing.assert_close(kept[name], 0.65 * start[name] + 0.35 * ends[name])
    assert sorted(file.name for file in (wise["folder"] / "checkpoints").iterdir()) == ["best.safetensors"]


@pytest.mark.slow
def test_the_encoder_alone_is_mixed_and_the_best_mixture_on_validation_is_kept(go: Go) -> None:
    words = [*FEW, *TWO_PHASES, "optimizer.lr=0.001"]
    wise, plain = go(*words, "averaging=wise_ft"), go(*words)
    scores = [row["val/f1_macro"] for row in wise["wise_ft"]]
    assert wise["alpha"] == wise["wise_ft"][scores.index(max(scores))]["alpha"]
    assert wise["metrics"]["val/f1_macro"] == max(scores)
    assert wise["wise_ft"][-1] == {"alpha": 1.0} | plain["metrics"]
    kept, after = (load_file(run["folder"] / "checkpoints/best.safetensors") for run in (wise, plain))
    assert all(torch.equal(kept[name], after[name]) for name in kept if name.startswith("head."))


@pytest.mark.slow
def test_a_kill_after_the_mixture_was_kept_mixes_nothing_twice(job: Any, go: Go) -> None:
    words = [*FEW, "freezing=full", "averaging=wise_ft", "averaging.alpha=0.5", "trainer.checkpoint_seconds=0"]
    whole = go(*words, "hydra.run.dir=whole")
    fit = trained_run(job(*words, "hydra.run.dir=killed"))
    fit.evaluate()
    fit.best.save_interpolated(fit.weights())  # and here it is killed
    killed = go(*words, "hydra.run.dir=killed")
    assert killed["metrics"] == whole["metrics"]
    kept, expected = (load_file(run["folder"] / "checkpoints/best.safetensors") for run in (killed, whole))
    assert all(torch.equal(kept[name], expected[name]) for name in expected)


def test_every_averaging_is_held_to_something_here() -> None:
    assert set(choices("averaging")) == {"none", "ema", "swa", "wise_ft"}
