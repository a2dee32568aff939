"""The engine trains exactly the parameters of the plan, with real optimizers on a small model."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from frostline.freezing.plan import Phase
from frostline.freezing.resolve import resolve_phases
from frostline.models.blocks import find_blocks
from frostline.models.poolers.mean import Mean
from frostline.training.optimizers.adamw import adamw
from frostline.training.optimizers.sgd import sgd
from frostline.training.phases import PhaseEngine, Schedule
from frostline.training.schedulers.constant import Constant
from frostline.training.schedulers.cosine import CosineDecay
from frostline.training.schedulers.linear_warmup import LinearWarmup

BASE, DECAY, STEPS = 0.1, 0.3, 4  # STEPS an epoch
PROBE = Phase("probe", (("head.*", 1.0), ("*", None)), epochs=1)
FULL = Phase("full", (("*", 1.0),))
UPPER = Phase("upper", (("head.*", 1.0), ("encoder.layer.1.*", 0.5), ("*", None)))
FROZEN_HEAD = Phase("encoder", (("head.*", None), ("*", 1.0)), epochs=1)


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense, self.norm, self.dropout = nn.Linear(8, 8), nn.LayerNorm(8), nn.Dropout(0.5)

    def forward(self, states: Tensor) -> Tensor:
        normed: Tensor = self.norm(states + self.dropout(torch.relu(self.dense(states))))
        return normed


class Encoder(nn.Module):
    """An embedding table of 10 words and two layers, of width 8."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(10, 8)
        self.layers = nn.ModuleList([Layer(), Layer()])

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.table(input_ids)
        for layer in self.layers:
            states = layer(states)
        return states


class Small:
    """A model with a plan, and a training loop."""

    def __init__(self, *phases: Phase, epochs: int) -> None:
        torch.manual_seed(1)
        self.encoder, self.pooler, self.head = Encoder(), Mean(), nn.Linear(8, 3)
        blocks = find_blocks(self.encoder, self.pooler, self.head)
        self.engine = PhaseEngine(resolve_phases(phases, [block.plan_block for block in blocks], epochs), blocks)

    def values(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in self.engine.parameters.items()}

    def vectors(self, ids: Tensor) -> Tensor:
        mask = torch.ones_like(ids)
        vectors: Tensor = self.pooler(self.encoder(ids, mask), mask)
        return vectors

    def step(self, optimizer: Optimizer, seed: int) -> None:
        chance = torch.Generator().manual_seed(seed)
        ids, labels = torch.randint(10, (6, 5), generator=chance), torch.randint(3, (6,), generator=chance)
        loss = functional.cross_entropy(self.head(self.vectors(ids)), labels)
        optimizer.zero_grad()
        if loss.requires_grad:
            loss.backward()
        optimizer.step()

    def begin(self, index: int) -> None:
        self.engine.enter(index)
        for part in (self.encoder, self.pooler, self.head):
            part.train()
        self.engine.set_eval_mode()

    def train(self, optimizer: Optimizer) -> list[dict[str, Tensor]]:
        """Train all epochs of the plan, and return the values before the first and after each."""
        seen, step = [self.values()], 0
        for epoch in range(self.engine.plan.phases[-1].end):
            self.begin(self.engine.plan.index_at(epoch))
            for _ in range(STEPS):
                self.engine.set_learning_rates(optimizer, BASE, Constant(), step, STEPS)
                self.step(optimizer, step)
                step += 1
            seen.append(self.values())
        return seen


OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]]], Optimizer]] = {
    "adamw": lambda groups: adamw(groups, lr=BASE, weight_decay=DECAY),
    "sgd": lambda groups: sgd(groups, lr=BASE, momentum=0.9, weight_decay=DECAY),
}
optimizers = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


def moved(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    return {name for name in before if not torch.equal(before[name], after[name])}


# Groups


def test_vectors_are_not_decayed_and_matrices_are() -> None:
    small = Small(FULL, epochs=1)
    decays = {id(p): group["weight_decay"] for group in small.engine.optimizer_groups(DECAY) for p in group["params"]}
    for name, p in small.engine.parameters.items():
        is_vector = "norm" in name or name.endswith("bias")
        assert decays[id(p)] == (0.0 if is_vector else DECAY), name


def test_groups_hold_each_parameter_that_ever_learns_once_and_no_other() -> None:
    small = Small(PROBE, UPPER, epochs=3)
    held = [id(p) for group in small.engine.optimizer_groups(DECAY) for p in group["params"]]
    assert len(set(held)) == len(held)
    assert set(held) == {
        id(p) for name, p in small.engine.parameters.items() if name.startswith(("head", "encoder.layer.1"))
    }


def test_parameters_with_the_same_multipliers_share_a_group() -> None:
    courses = [group["multipliers"] for group in Small(PROBE, UPPER, epochs=3).engine.optimizer_groups(DECAY)]
    assert courses == [[None, 0.5], [None, 0.5], [1.0, 1.0], [1.0, 1.0]]


def test_all_parameters_that_are_ever_trained_require_grad_before_the_first_phase() -> None:
    """DDP, which wraps the model at that time, synchronises only these."""
    small = Small(PROBE, UPPER, epochs=3)
    wanted = {name for name in small.engine.parameters if name.startswith(("head", "encoder.layer.1"))}
    assert {name for name, p in small.engine.parameters.items() if p.requires_grad} == wanted
    small.engine.enter(0)
    assert {name for name, p in small.engine.parameters.items() if p.requires_grad} == {"head.weight", "head.bias"}


# What moves


@optimizers
@pytest.mark.parametrize(
    ("phase", "prefixes"),
    [
        (FULL, ("",)),
        (UPPER, ("head", "encoder.layer.1")),
        (Phase("probe", PROBE.rules), ("head",)),
        (Phase("biases", (("*bias", 1.0), ("*", None))), None),
        (Phase("embeddings", (("encoder.embeddings.*", 1.0), ("*", None))), ("encoder.embeddings",)),
    ],
    ids=lambda value: value.name if isinstance(value, Phase) else "",
)
def test_exactly_the_trainable_parameters_change(make: Any, phase: Phase, prefixes: tuple[str, ...] | None) -> None:
    """A frozen block keeps its bits, despite momentum and weight decay."""
    small = Small(phase, epochs=1)
    before, after = small.train(make(small.engine.optimizer_groups(DECAY)))
    wanted = {n for n in before if (n.startswith(prefixes) if prefixes else n.endswith("bias"))}
    assert moved(before, after) == wanted


@optimizers
def test_parameters_that_are_frozen_again_keep_their_values(make: Any) -> None:
    """Momentum and weight decay of a phase that trains a parameter do not change it in a phase that freezes it."""
    small = Small(Phase("full", FULL.rules, epochs=2), PROBE, FROZEN_HEAD, epochs=4)
    start, one, two, probed, tuned = small.train(make(small.engine.optimizer_groups(DECAY)))
    assert moved(start, one) == moved(one, two) == set(start)
    assert moved(two, probed) == {"head.weight", "head.bias"}
    assert moved(probed, tuned) == set(start) - {"head.weight", "head.bias"}


@optimizers
def test_what_is_frozen_holds_no_grad_from_an_earlier_phase(make: Any) -> None:
    small = Small(Phase("full", FULL.rules, epochs=1), PROBE, epochs=2)
    optimizer = make(small.engine.optimizer_groups(DECAY))
    small.begin(0)
    small.step(optimizer, seed=1)
    assert small.engine.parameters["encoder.embeddings.weight"].grad is not None
    small.begin(1)
    assert {name for name, p in small.engine.parameters.items() if p.grad is not None} == {"head.weight", "head.bias"}


def test_a_plan_in_which_nothing_learns_gives_the_optimizer_nothing() -> None:
    small = Small(Phase("direct", (("*", None),)), epochs=1)
    assert small.engine.optimizer_groups(DECAY) == []
    assert not any(p.requires_grad for p in small.engine.parameters.values())


@optimizers
def test_a_thaw_leaves_the_optimizers_state_of_the_others(make: Any) -> None:
    small = Small(PROBE, FULL, epochs=2)
    optimizer = make(small.engine.optimizer_groups(DECAY))
    small.begin(0)
    small.engine.set_learning_rates(optimizer, BASE, Constant(), 0, STEPS)
    small.step(optimizer, seed=1)
    kept = copy.deepcopy(optimizer.state[small.head.weight])
    small.begin(1)
    now = optimizer.state[small.head.weight]
    assert kept.keys() == now.keys() and kept
    assert all(torch.equal(torch.as_tensor(kept[key]), torch.as_tensor(now[key])) for key in kept)


@optimizers
def test_optimizer_state_moves_to_a_new_process_between_phases(make: Any) -> None:
    """Two epochs with a checkpoint between the phases give the same bits as two epochs without."""
    whole = Small(PROBE, FULL, epochs=2)
    last = whole.train(make(whole.engine.optimizer_groups(DECAY)))[-1]
    first = Small(PROBE, FULL, epochs=2)
    optimizer = make(first.engine.optimizer_groups(DECAY))
    first.begin(0)
    for step in range(STEPS):
        first.engine.set_learning_rates(optimizer, BASE, Constant(), step, STEPS)
        first.step(optimizer, step)
    second = Small(PROBE, FULL, epochs=2)
    for name, p in second.engine.parameters.items():
        p.data.copy_(first.engine.parameters[name].data)
    again = make(second.engine.optimizer_groups(DECAY))
    again.load_state_dict(optimizer.state_dict())
    second.begin(1)
    for step in range(STEPS, 2 * STEPS):
        second.engine.set_learning_rates(again, BASE, Constant(), step, STEPS)
        second.step(again, step)
    assert moved(last, second.values()) == set()


# Eval mode


def test_resting_blocks_are_in_eval_mode_and_their_dropout_is_off() -> None:
    small = Small(PROBE, UPPER, FULL, epochs=3)
    lower, upper = small.encoder.layers
    for index, training in enumerate([(False, False), (False, True), (True, True)]):
        small.begin(index)
        assert (lower.dropout.training, upper.dropout.training) == training
        assert (lower.training, upper.training) == training
        assert small.head.training


def test_a_resting_encoder_gives_the_same_vectors_every_time_and_a_learning_one_does_not() -> None:
    small, ids = Small(PROBE, UPPER, epochs=2), torch.arange(10).reshape(2, 5)
    small.begin(0)
    assert small.engine.encoder_is_frozen()
    assert torch.equal(small.vectors(ids), small.vectors(ids))
    small.begin(1)
    assert not small.engine.encoder_is_frozen()
    assert not torch.equal(small.vectors(ids), small.vectors(ids))


def test_a_head_that_rests_is_in_eval_mode_too() -> None:
    small = Small(FROZEN_HEAD, epochs=1)
    small.begin(0)
    assert not small.head.training
    assert not small.pooler.training  # it has no parameters


# Rates


def rates(phases: Sequence[Phase], epochs: int, schedule: Schedule, steps: int) -> list[list[float]]:
    """Return the learning rate of each group at each step."""
    small = Small(*phases, epochs=epochs)
    optimizer = adamw(small.engine.optimizer_groups(DECAY), lr=123.0)
    learning_rates = []
    for step in range(epochs * steps):
        small.engine.enter(small.engine.plan.index_at(step // steps))
        small.engine.set_learning_rates(optimizer, BASE, schedule, step, steps)
        learning_rates.append([group["lr"] for group in optimizer.param_groups])
    return learning_rates


def test_a_rate_is_base_times_multiplier_times_schedule() -> None:
    """2 epochs of 2 steps; LinearWarmup(0.4) rises over 2 of 5 positions and falls over 3; the first is skipped."""
    learning_rates = rates([PROBE, UPPER], epochs=2, schedule=LinearWarmup(0.4), steps=2)
    factors = [1 / 2, 1.0, 2 / 3, 1 / 3]
    upper = [0.0, 0.0, BASE * 0.5 * factors[2], BASE * 0.5 * factors[3]]
    head = [BASE * factor for factor in factors]
    for row, u, h in zip(learning_rates, upper, head, strict=True):
        assert row == pytest.approx([u, u, h, h], abs=1e-12)


def test_a_schedule_restarts_with_a_phase_that_says_so() -> None:
    """1 epoch, then 2 with a restarted schedule and the multiplier 0.5."""
    again = Phase("again", (("*", 0.5),), restart=True)
    learning_rates = rates([PROBE, again], epochs=3, schedule=LinearWarmup(0.0), steps=2)
    factors = [2 / 3, 1 / 3, 4 / 5, 3 / 5, 2 / 5, 1 / 5]
    encoder = [0.0, 0.0, *(BASE * 0.5 * f for f in factors[2:])]
    head = [BASE * f * (1.0 if i < 2 else 0.5) for i, f in enumerate(factors)]
    assert [row[0] for row in learning_rates] == pytest.approx(encoder, abs=1e-12)
    assert [row[-1] for row in learning_rates] == pytest.approx(head, abs=1e-12)


def test_a_schedule_runs_on_through_phases_that_do_not_restart_it() -> None:
    whole = rates([FULL], epochs=3, schedule=CosineDecay(), steps=2)
    parts = rates([Phase("a", FULL.rules, epochs=1), Phase("b", FULL.rules)], epochs=3, schedule=CosineDecay(), steps=2)
    assert [row[0] for row in parts] == [row[0] for row in whole]


@pytest.mark.parametrize("schedule", [Constant(0.5), CosineDecay(0.2), LinearWarmup(0.06), LinearWarmup(1.0)], ids=str)
def test_no_step_of_a_run_is_wasted_on_a_rate_of_zero(schedule: Schedule) -> None:
    for steps in (1, 3):
        assert all(0 < row[0] <= BASE for row in rates([FULL], epochs=2, schedule=schedule, steps=steps))
