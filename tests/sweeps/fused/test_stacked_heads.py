"""A stack of heads is each of its heads: what they say, what their dropout leaves out, how they are moved."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from frostline.models.heads.cosine import Cosine
from frostline.models.heads.linear import Linear
from frostline.models.heads.mlp import Mlp
from frostline.sweeps.fused.optimizers import stacked_optimizer
from frostline.sweeps.fused.stacked_heads import StackedHeads, incompatibility
from frostline.training.optimizers.adamw import adamw
from frostline.training.optimizers.sgd import sgd

TEXTS, WIDTH, CLASSES = 6, 5, 3
KINDS = {
    "linear": lambda rate: Linear(WIDTH, CLASSES, rate),
    "mlp": lambda rate: Mlp(WIDTH, CLASSES, hidden=7, dropout=rate),
    "cosine": lambda rate: Cosine(WIDTH, CLASSES, scale=10 + rate),
    "cosine, not learned": lambda rate: Cosine(WIDTH, CLASSES, scale=10 + rate, learned=False),
}


def heads(kind: str, rates: list[float]) -> list[nn.Module]:
    torch.manual_seed(0)
    return [KINDS[kind](rate) for rate in rates]


@pytest.mark.parametrize("kind", KINDS)
def test_each_head_says_what_it_says_alone(kind: str) -> None:
    """Learning, with dropout's own draws for batches of 6, 4 and 1 texts, and at rest on texts that all share."""
    rates, rows, seeds = [0.3, 0.0, 0.6], [6, 4, 1], [11, 12, 13]
    alone = heads(kind, rates)
    stack, given = StackedHeads(alone), torch.randn(3, TEXTS, WIDTH)
    found = stack.logits(given, torch.arange(3), seeds, rows)
    for head, own, texts, seed, count in zip(alone, found, given, seeds, rows, strict=True):
        torch.manual_seed(seed)
        torch.testing.assert_close(own[:count], head.train()(texts[:count]))
    for head, own in zip([alone[2], alone[0]], stack.evaluate(given[0], [2, 0]), strict=True):
        torch.testing.assert_close(own, head.eval()(given[0]))


class Functional(Linear):
    """Draws chance by itself."""

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return self.out(nn.functional.dropout(vectors, 0.5, self.training))


class Remembering(Linear):
    """Keeps the mean of what it sees."""

    def __init__(self) -> None:
        super().__init__(WIDTH, CLASSES)
        self.norm = nn.BatchNorm1d(WIDTH)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return self.out(self.norm(vectors))


class Scaled(Linear):
    """What differs between two of them is in no parameter."""

    def __init__(self, scale: float) -> None:
        super().__init__(WIDTH, CLASSES)
        self.scale = scale

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        return super().forward(self.scale * vectors)


@pytest.mark.parametrize("kind", KINDS)
def test_the_heads_of_the_house_can_be_stacked(kind: str) -> None:
    assert incompatibility(heads(kind, [0.3, 0.0, 0.6]), torch.randn(4, WIDTH)) is None


def test_heads_that_a_stack_would_get_wrong_are_found() -> None:
    for own in ([Functional(WIDTH, CLASSES)] * 2, [Remembering()] * 2, [Scaled(1.0), Scaled(2.0)]):
        assert incompatibility(own, torch.randn(4, WIDTH)) is not None


CONSTANTS: dict[str, list[dict[str, Any]]] = {
    "adamw": [{"betas": [0.9, 0.999]}, {"betas": [0.8, 0.99], "eps": 1e-4}, {}],
    "sgd": [{"momentum": 0.9}, {"momentum": 0.0}, {}],
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_each_head_moves_as_by_torch_s_own_optimizer(name: str) -> None:
    """By its own rate, decay and constants; after 9 steps the second head ends, the others go on for 4."""
    alone = [head.double() for head in heads("linear", [0.0] * 3)]
    learning, decay = [0.1, 0.02, 0.003], [0.0, 0.1, 0.5]
    configs = [{"_target_": f"frostline.training.optimizers.{name}.{name}", **own} for own in CONSTANTS[name]]
    torch_s = [
        {"adamw": adamw, "sgd": sgd}[name](
            [{"params": [head.out.weight], "weight_decay": d}, {"params": [head.out.bias], "weight_decay": 0.0}],
            lr=rate,
            **own,
        )
        for head, rate, d, own in zip(alone, learning, decay, CONSTANTS[name], strict=True)
    ]
    stack = StackedHeads(copy.deepcopy(alone))
    decays = {"out.weight": torch.tensor(decay).double(), "out.bias": torch.zeros(3).double()}
    ours, places = stacked_optimizer(configs, decays), [0, 1, 2]
    for step in range(13):
        if step == 9:
            places = [0, 2]
            stack.select(places)
            ours.select(torch.tensor(places))
        given, target = torch.randn(len(places), TEXTS, WIDTH).double(), torch.randn(len(places), TEXTS, CLASSES)
        ((stack.logits(given, torch.arange(len(places)), [], []) - target) ** 2).mean(dim=(1, 2)).sum().backward()
        rates = torch.tensor([learning[place] for place in places]).double()
        ours.step(stack.parameters, dict.fromkeys(stack.parameters, rates))
        for parameter in stack.parameters.values():
            parameter.grad = None
        for i, place in enumerate(places):
            torch_s[place].zero_grad()
            ((alone[place](given[i]) - target[i]) ** 2).mean().backward()
            torch_s[place].step()
            for own_name, own in alone[place].named_parameters():
                torch.testing.assert_close(stack.weights_of(i)[own_name], own.detach())
