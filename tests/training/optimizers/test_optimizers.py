"""Every optimizer takes the steps of its paper, with a learning rate and a weight decay for each group."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frostline.training.optimizers.adamw import adamw
from frostline.training.optimizers.sgd import sgd
from parts import choices, config, part


def parameters() -> list[nn.Parameter]:
    chance = torch.Generator().manual_seed(1)
    return [nn.Parameter(torch.randn(shape, generator=chance)) for shape in [(3, 4), (4,)]]


def grads(step: int) -> list[Tensor]:
    chance = torch.Generator().manual_seed(100 + step)
    return [torch.randn(shape, generator=chance) for shape in [(3, 4), (4,)]]


def take(optimizer: torch.optim.Optimizer, held: list[nn.Parameter], steps: int, first: int = 0) -> None:
    for step in range(first, first + steps):
        for p, grad in zip(held, grads(step), strict=True):
            p.grad = grad.clone()
        optimizer.step()


def groups(held: list[nn.Parameter], decay: float = 0.0) -> list[dict[str, Any]]:
    return [{"params": [held[0]], "weight_decay": decay}, {"params": [held[1]], "weight_decay": 0.0}]


@pytest.fixture(params=choices("optimizer"))
def name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_every_group_moves_at_the_rate_that_is_set(name: str) -> None:
    held = parameters()
    before = [p.detach().clone() for p in held]
    optimizer = part("optimizer", name, groups=groups(held))
    assert {group["lr"] for group in optimizer.param_groups} == {config("optimizer", name)["lr"]}
    optimizer.param_groups[1]["lr"] = 0.0
    take(optimizer, held, 1)
    assert not torch.equal(held[0], before[0])
    assert torch.equal(held[1], before[1])


def test_a_group_keeps_its_own_decay_and_other_words(name: str) -> None:
    made = [group | {"multipliers": [None, 1.0]} for group in groups(parameters(), decay=0.3)]
    optimizer = part("optimizer", name, groups=made)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.3, 0.0]
    assert all(group["multipliers"] == [None, 1.0] for group in optimizer.param_groups)


def test_a_parameter_without_a_grad_stays(name: str) -> None:
    held = parameters()
    optimizer = part("optimizer", name, groups=groups(held, decay=0.5))
    take(optimizer, held, 2)
    before = held[0].detach().clone()
    held[0].grad = None
    optimizer.step()
    assert torch.equal(held[0], before)


def test_two_identical_optimizers_give_the_same_bits(name: str) -> None:
    first, second = parameters(), parameters()
    for held in (first, second):
        take(part("optimizer", name, groups=groups(held, decay=0.1)), held, 5)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_saved_optimizer_goes_on_with_the_same_bits(name: str) -> None:
    whole, parted = parameters(), parameters()
    take(part("optimizer", name, groups=groups(whole, decay=0.1)), whole, 6)
    optimizer = part("optimizer", name, groups=groups(parted, decay=0.1))
    take(optimizer, parted, 3)
    again = part("optimizer", name, groups=groups(parted, decay=0.1))
    again.load_state_dict(optimizer.state_dict())
    take(again, parted, 3, first=3)
    assert all(torch.equal(a, b) for a, b in zip(whole, parted, strict=True))


def test_an_optimizer_finds_the_bottom_of_a_bowl(name: str) -> None:
    p = nn.Parameter(torch.tensor([3.0, -2.0]))
    optimizer = part("optimizer", name, groups=[{"params": [p], "lr": 0.05}])
    for _ in range(500):
        optimizer.zero_grad()
        p.square().sum().backward()
        optimizer.step()
    assert p.abs().max() < 0.05


def test_adamw_takes_the_steps_of_its_paper() -> None:
    """Algorithm 2 of arXiv:1711.05101, in double precision."""
    lr, decay, (b1, b2), eps, steps = 0.01, 0.3, (0.8, 0.95), 1e-6, 7
    held = parameters()
    x = held[0].detach().double()
    m, v = torch.zeros_like(x), torch.zeros_like(x)
    for t in range(1, steps + 1):
        g = grads(t - 1)[0].double()
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        x = x - lr * decay * x - lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + eps)
    take(adamw(groups(held, decay), lr=lr, betas=[b1, b2], eps=eps), held, steps)
    torch.testing.assert_close(held[0].detach().double(), x, rtol=1e-5, atol=1e-6)


def test_sgd_takes_steps_with_momentum() -> None:
    """v = momentum v + (grad + decay x); x = x - lr v."""
    lr, decay, momentum, steps = 0.01, 0.3, 0.9, 7
    held = parameters()
    x = held[0].detach().double()
    v = torch.zeros_like(x)
    for step in range(steps):
        v = momentum * v + grads(step)[0].double() + decay * x
        x = x - lr * v
    take(sgd(groups(held, decay), lr=lr, momentum=momentum), held, steps)
    torch.testing.assert_close(held[0].detach().double(), x, rtol=1e-5, atol=1e-6)
