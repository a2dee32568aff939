"""Strategies that decide in training: what they decide, by the papers' formulas, and after a kill as without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from frostline.data.batches import training_order
from frostline.data.build import load_corpus
from frostline.freezing.strategies.auto_rgn import RelativeGradientNorms
from frostline.freezing.strategies.autofreeze import GradientChange
from frostline.freezing.strategies.plateau import Plateau
from frostline.instantiate import make
from frostline.results.folder import RunFolder
from frostline.seeding import derive_seed
from prepared_run import described, prepare, trained_run

SEED, BATCH = 1, 16
SMALL = ["dataset.max_train=160", "dataset.max_val=64", "dataset.max_test=32", f"dataset.batch_size={BATCH}"]


# Plateau


def test_a_plateau_is_patience_epochs_without_improvement() -> None:
    controller = Plateau(phases=3, patience=2, min_delta=0.1, monitor="val/loss")
    index, course = 0, []
    for loss in (1.0, 0.95, 0.8, 0.75, 0.74, 0.9, 0.5, 0.45, 0.44, 0.43):
        index = controller.after_epoch(index, {"val/loss": loss})
        course.append(index)
    assert course == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]


def test_of_a_score_more_is_better() -> None:
    controller = Plateau(phases=2, patience=1, min_delta=0.0, monitor="val/f1_macro")
    assert [controller.after_epoch(0, {"val/f1_macro": f1}) for f1 in (0.2, 0.3, 0.3)] == [0, 0, 1]


def test_a_plateau_thaws_the_next_layer_in_a_real_run(job: Any) -> None:
    """With an improvement that cannot be had, each epoch after the first is a plateau."""
    fit = trained_run(job("freezing=plateau", "freezing.min_delta=1000", "trainer.max_epochs=5", *SMALL))
    assert [phase["name"] for phase in fit.classifier.tracker.finished] == ["head", "layer.1", "layer.0", "embeddings"]
    assert [phase["epochs"] for phase in fit.classifier.tracker.finished] == [[0, 2], [2, 3], [3, 4], [4, 5]]


# AutoFreeze


def test_the_prefix_below_the_median_change_freezes() -> None:
    """The paper's own arithmetic, with numpy's percentile, on made gradients."""
    chance = np.random.default_rng(0)
    layers, points, steps = [f"layer.{i}" for i in range(6)], 5, 20
    controller, index, start, before = GradientChange(layers, points, 0.5), 0, 0, None
    sums = {layer: torch.zeros(7) for layer in layers}
    for step in range(steps):
        drawn = {layer: torch.from_numpy(chance.normal(size=7) + i) for i, layer in enumerate(layers[start:])}
        gradients = {f"{layer}.weight": value for layer, value in drawn.items()}
        index = controller.after_backward(index, (step + 1) / steps, gradients)
        sums = {layer: sums[layer] + drawn.get(layer, torch.zeros(7)) for layer in layers}
        if (step + 1) % (steps // points) == 0:
            norms = [float(sums[layer].abs().sum()) for layer in layers]
            if before is not None:
                change = [abs(a - b) / a for a, b in zip(before[start:], norms[start:], strict=True)]
                start += int(np.argmax(np.array(change) >= np.percentile(change, 50)))
            before, sums = norms, {layer: torch.zeros(7) for layer in layers}
        assert index == start, step
    assert start > 0


def test_what_has_settled_stays_to_the_bit(job: Any) -> None:
    """Frozen in the middle of an epoch; the layer above goes on."""
    seen: list[dict[str, Tensor]] = []

    class Watch(pl.Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:
            seen.append({name: p.detach().clone() for name, p in pl_module.engine.parameters.items()})

    found = job("freezing=autofreeze", "freezing.points=10", "trainer.max_epochs=2", "trainer.monitor=null", *SMALL)
    fit = trained_run(found, Watch())
    every, rest = fit.classifier.tracker.finished
    at = every["steps"][1]
    assert (every["name"], rest["name"]) == ("all", "from 1") and 0 < at < len(seen) and at % 10
    for step in range(1, len(seen)):
        moved = {n for n, value in seen[step].items() if not torch.equal(value, seen[step - 1][n])}
        low = {n for n in moved if n.startswith(("encoder.embeddings.", "encoder.layer.0."))}
        assert bool(low) == (step < at), step
        assert moved - low


# Auto-RGN


def test_rates_follow_the_relative_norms_of_gradients() -> None:
    chance = torch.Generator().manual_seed(0)
    parameters = {name: torch.randn(5, generator=chance) for name in ("a", "b", "norm")} | {"zero": torch.zeros(5)}
    gradients = [{name: torch.randn(5, generator=chance) for name in parameters} for _ in range(3)]
    ratio = {n: np.mean([float(g[n].norm() / parameters[n].norm()) for g in gradients]) for n in ("a", "b")}
    rates = RelativeGradientNorms(3, 1e-6, ["norm"]).multiplier_factors(gradients, parameters)
    assert rates["a"] == pytest.approx(ratio["a"] / max(ratio.values()), rel=1e-6)
    assert rates["b"] == pytest.approx(ratio["b"] / max(ratio.values()), rel=1e-6)
    assert rates["zero"] == pytest.approx((rates["a"] + rates["b"]) / 2)
    assert rates["norm"] == 1.0


def by_hand(config: dict[str, Any], epochs: int) -> dict[str, Tensor]:
    """Auto-RGN in plain PyTorch: in each epoch measure five batches, then train at the rates that follow."""
    wrapped = make(config["encoder"])
    model, tokenizer = wrapped.model.train(), wrapped.tokenizer
    torch.manual_seed(derive_seed(SEED, "head"))
    head = make(config["head"], width=wrapped.width, classes=3).out
    train = load_corpus(config["dataset"]).train
    lengths = [len(ids) for ids in tokenizer(train.texts, truncation=True, max_length=128)["input_ids"]]
    named = {**dict(model.named_parameters()), "head.out.weight": head.weight, "head.out.bias": head.bias}
    learning = {name: p for name, p in named.items() if "LayerNorm" not in name}
    groups = [{"params": [p], "weight_decay": 0.01 if p.ndim > 1 else 0.0} for p in learning.values()]
    optimizer, step = torch.optim.AdamW(groups, lr=1.0), 0

    def loss(rows: Any) -> Tensor:
        texts = tokenizer([train.texts[i] for i in rows], padding=True, truncation=True, return_tensors="pt")
        states, mask = model(**texts).last_hidden_state, texts["attention_mask"][..., None].float()
        logits = head((states * mask).sum(1) / mask.sum(1))
        return nn.functional.cross_entropy(logits, torch.tensor([train.labels[i] for i in rows]))

    for epoch in range(epochs):
        batches = training_order(lengths, BATCH, derive_seed(SEED, "order"), epoch)
        torch.manual_seed(derive_seed(SEED, "measure", epoch, 0))
        seen = [torch.autograd.grad(loss(rows), list(learning.values())) for rows in batches[:5]]
        ratio = {
            name: float(np.mean([float(g[i].norm() / p.detach().norm()) for g in seen]))
            for i, (name, p) in enumerate(learning.items())
            if float(p.detach().norm()) > 0
        }
        share = {name: max(value / max(ratio.values()), 1e-6) for name, value in ratio.items()}
        usual = float(np.mean(list(share.values())))
        for rows in batches:
            progress = (step + 1) / (epochs * len(batches) + 1)
            factor = min(progress / 0.06, (1 - progress) / 0.94)
            for name, group in zip(learning, optimizer.param_groups, strict=True):
                group["lr"] = config["optimizer"]["lr"] * factor * share.get(name, usual)
            torch.manual_seed(derive_seed(SEED, "dropout", step, 0))
            optimizer.zero_grad()
            loss(rows).backward()
            nn.utils.clip_grad_norm_(list(learning.values()), 1.0)
            optimizer.step()
            step += 1
    return named


def test_auto_rgn_goes_where_plain_pytorch_goes(job: Any) -> None:
    found = job("freezing=auto_rgn", "trainer.max_epochs=2", "trainer.monitor=null", *SMALL)
    expected = by_hand(found.config, epochs=2)
    ours = load_file(trained_run(found).folder.best)
    assert sum("LayerNorm" not in name for name in expected) == len(ours)
    for name, value in ours.items():
        plain = expected[_raw(name)]
        if not name.endswith("key.bias"):  # attention takes no notice of it: its gradient is rounding alone
            torch.testing.assert_close(value, plain.detach(), rtol=0, atol=1e-5, msg=name)


def _raw(name: str) -> str:
    rest = name.removeprefix("encoder.")
    return rest if rest.startswith(("embeddings.", "head.")) else f"encoder.{rest}"


# What was decided lives through a kill


class PowerError(Exception):
    """It is gone."""


@pytest.mark.parametrize(
    "words",
    [
        ["freezing=plateau", "freezing.min_delta=1000", "trainer.max_epochs=4"],
        pytest.param(["freezing=autofreeze", "freezing.points=10", "trainer.max_epochs=2"], marks=pytest.mark.slow),
        pytest.param(["freezing=auto_rgn", "trainer.max_epochs=2"], marks=pytest.mark.slow),
    ],
    ids=lambda words: words[0].partition("=")[2],
)
def test_a_run_that_was_cut_off_decides_as_it_would_have(job: Any, words: list[str], tmp_path: Path) -> None:
    class Cut(pl.Callback):
        def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
            if trainer.global_step == 15:
                raise PowerError

    found = job(*words, "trainer.monitor=null", "trainer.checkpoint_seconds=0", *SMALL)
    whole = trained_run(found)
    place = RunFolder(tmp_path / "cut")
    with place.claimed(described(found)):
        fit = prepare(found.config, described(found), place, Cut())
        with pytest.raises(PowerError):
            fit.fit()
        again = prepare(found.config, described(found), place)
        again.fit()
    assert json.dumps(again.classifier.tracker.finished) == json.dumps(whole.classifier.tracker.finished)
    for name, value in whole.weights().items():
        assert torch.equal(again.weights()[name], value), name
