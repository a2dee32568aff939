"""Every regularizer equals the formula of its paper in plain PyTorch, over a change of phase."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from command_line import in_process
from frostline.errors import UserError
from frostline.instantiate import make
from frostline.training.regularizers.mixout import mixed
from frostline.training.regularizers.rdrop import divergence
from parts import choices
from prepared_run import prepared_run, trained_run
from reference_loop import FEW, ByHand, Weights, assert_same, few_texts

frostline = in_process
# The head alone for an epoch, then all; 21 steps.
PHASES = "[{name: a, epochs: 1, rules: [['head.*', 1.0], ['*', null]]}, {name: b, rules: [['*', 1.0]]}]"
TWO_PHASES = ["freezing=rules", f"freezing.phases={PHASES}", "trainer.monitor=null"]
RATE = ["optimizer.lr=0.0003"]


def in_two_phases(name: str, epoch: int) -> bool:
    return epoch > 0 or name.startswith("head.")


@pytest.fixture(autouse=True)
def few(own_folder: None) -> None:
    few_texts()


def l2_sp(job: Any) -> tuple[ByHand, Any]:
    hand = ByHand(job.config, in_two_phases)
    start, alpha, beta = hand.weights(), job.config["regularizer"]["alpha"], job.config["regularizer"]["beta"]

    def loss(rows: Any) -> Tensor:
        total = hand.loss(rows)
        for name, p in hand.named.items():
            if name.startswith("head."):
                total = total + beta / 2 * (p**2).sum()
            elif p.requires_grad:
                total = total + alpha / 2 * ((p - start[name]) ** 2).sum()
        return total

    return hand, loss


class MixLinear(nn.Module):
    """The linear layer of the paper's code, without mixing the bias."""

    def __init__(self, linear: nn.Linear, p: float) -> None:
        super().__init__()
        self.weight, self.bias, self.p = linear.weight, linear.bias, p
        self.target = copy.deepcopy(linear.weight.data)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return functional.linear(x, self.weight, self.bias)
        noise = torch.empty_like(self.target).bernoulli_(1 - self.p)
        mixed = ((1 - noise) * self.target + noise * self.weight - self.p * self.target) / (1 - self.p)
        return functional.linear(x, mixed, self.bias)


def mixout(job: Any) -> tuple[ByHand, Any]:
    hand = ByHand(job.config, in_two_phases)
    for parent in list(hand.model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                setattr(parent, name, MixLinear(child, job.config["regularizer"]["p"]))
    return hand, None


def rdrop(job: Any) -> tuple[ByHand, Any]:
    hand = ByHand(job.config, in_two_phases)

    def loss(rows: Any) -> Tensor:
        one, two, labels = hand.logits(rows), hand.logits(rows), hand.labels(rows)
        entropy = 0.5 * (functional.cross_entropy(one, labels) + functional.cross_entropy(two, labels))
        p, q = one.log_softmax(-1), two.log_softmax(-1)
        there = functional.kl_div(p, q.exp(), reduction="batchmean")
        back = functional.kl_div(q, p.exp(), reduction="batchmean")
        return entropy + job.config["regularizer"]["alpha"] * (there + back) / 2

    return hand, loss


PLAIN: Weights = {}  # without a regularizer
ORACLES = {"l2_sp": l2_sp, "mixout": mixout, "rdrop": rdrop}


def test_every_regularizer_has_an_oracle() -> None:
    assert set(ORACLES) == set(choices("regularizer")) - {"none"}


@pytest.mark.parametrize("name", ORACLES)
def test_weights_go_where_the_paper_s_formula_takes_them(job: Any, name: str) -> None:
    """In both phases; without the regularizer the weights differ."""
    run_job = job(*FEW, *TWO_PHASES, *RATE, "head.dropout=0.1", f"regularizer={name}")
    hand, loss = ORACLES[name](run_job)
    fit, expected = trained_run(run_job), hand.run(loss)
    assert_same(fit.classifier.engine.parameters, expected)
    if not PLAIN:
        PLAIN.update(ByHand(run_job.config, in_two_phases).run())
    with pytest.raises(AssertionError):
        assert_same(fit.classifier.engine.parameters, PLAIN)


def test_names_in_the_plan_are_those_without_mixout(job: Any) -> None:
    plain, mixing = (prepared_run(job(*FEW, f"regularizer={name}")) for name in ("none", "mixout"))
    assert list(plain.classifier.engine.parameters) == list(mixing.classifier.engine.parameters)
    assert plain.classifier.state_dict().keys() == mixing.classifier.state_dict().keys()


def test_mixed_weights_have_the_right_mean_and_are_pre_trained_with_probability_p() -> None:
    torch.manual_seed(1)
    weight, start = torch.randn(200, 300), torch.randn(200, 300)
    draws = torch.stack([mixed(weight, start, 0.7) for _ in range(100)])
    kept = draws[0].isclose((weight - 0.7 * start) / 0.3, atol=1e-5)
    assert (kept | draws[0].isclose(start, atol=1e-5)).all()
    assert float(kept.float().mean()) == pytest.approx(0.3, abs=0.01)
    chance = (0.7 / 0.3 / len(draws)) ** 0.5 * (weight - start)  # the deviation of a mean of so many
    assert float((draws.mean(0) - weight).square().mean() / chance.square().mean()) == pytest.approx(1, abs=0.05)


def test_mixout_changes_neither_a_frozen_block_nor_evaluation(job: Any) -> None:
    """Without dropout, so that only mixout could make two passes differ."""
    fit = prepared_run(job(*FEW, "freezing=top_k", "regularizer=mixout"))
    model, engine = fit.built.model, fit.classifier.engine
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    ids, mask = fit.built.tokens["val"].padded(np.arange(4))
    with torch.no_grad():
        for name in engine.parameters:
            engine.parameters[name].add_(0.01)  # away from the pre-trained values
    model.train()
    engine.enter(0)
    engine.set_eval_mode()
    lower, upper = (model.encoder(ids, mask, every_layer=True)[layer] for layer in (1, 2))
    again = model.encoder(ids, mask, every_layer=True)
    assert torch.equal(again[1], lower)
    assert not torch.equal(again[2], upper)
    model.eval()
    assert torch.equal(model.encoder(ids, mask), model.encoder(ids, mask))


def test_the_divergence_of_answers_is_that_of_torch() -> None:
    one, two = torch.randn(5, 4), torch.randn(5, 4)
    p, q = (torch.distributions.Categorical(logits=logits) for logits in (one, two))
    expected = (torch.distributions.kl_divergence(p, q) + torch.distributions.kl_divergence(q, p)) / 2
    torch.testing.assert_close(divergence(one, two), expected)
    p, q = (torch.distributions.Bernoulli(logits=logits) for logits in (one, two))  # type: ignore[assignment]
    expected = (torch.distributions.kl_divergence(p, q) + torch.distributions.kl_divergence(q, p)) / 2
    torch.testing.assert_close(divergence(one, two, multi_label=True), expected.mean(1))


def test_l2_sp_pulls_to_the_files_values_when_a_run_is_resumed(job: Any) -> None:
    """Trained weights are restored after the run is built; the distance is that from the pre-trained weights."""
    model = prepared_run(job(*FEW, "regularizer=l2_sp")).classifier
    start = {name: p.detach().clone() for name, p in model.engine.parameters.items()}
    state = model.checkpoint_state
    state.restore({name: value + 0.5 for name, value in state.weights().items()})
    encoder = sum(p.numel() for name, p in start.items() if name.startswith("encoder."))
    head = sum(float((p + 0.5).square().sum()) for name, p in start.items() if name.startswith("head."))
    penalty = model.regularizer.penalty()
    assert penalty is not None
    assert penalty.item() == pytest.approx(0.1 / 2 * 0.25 * encoder + 0.01 / 2 * head, rel=1e-4)


def test_texts_of_both_passes_are_counted(job: Any) -> None:
    fits = [trained_run(job(*FEW, "trainer.max_epochs=1", f"regularizer={name}")) for name in ("none", "rdrop")]
    plain, twice = (fit.built.model.texts_encoded for fit in fits)
    train, val = (len(fits[0].built.tokens[split]) for split in ("train", "val"))
    assert (plain, twice) == (train + val, 2 * train + val)


def test_r_drop_without_any_dropout_is_refused_before_training(job: Any) -> None:
    """The probabilities of all dropouts of the encoder are set to 0."""
    fit = prepared_run(job(*FEW))
    for module in fit.classifier.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name in [name for name, value in vars(module).items() if "drop" in name and isinstance(value, float)]:
            setattr(module, name, 0.0)
    run_job = job(*FEW, "regularizer=rdrop")
    with pytest.raises(UserError, match=r"regularizer: R-Drop compares two passes, which without any dropout"):
        make(run_job.config["regularizer"], multi_label=False).begin(fit.built.model, fit.classifier.engine.parameters)
