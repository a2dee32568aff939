"""Parameters thawed after DDP has wrapped the model drift apart between ranks; the engine's do not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from frostline.distributed.collectives import check_identical
from frostline.errors import FrostlineError
from frostline.freezing.plan import Phase
from frostline.freezing.resolve import resolve_phases
from frostline.models.blocks import find_blocks
from frostline.models.fingerprint import weights_digest
from frostline.training.optimizers.sgd import sgd
from frostline.training.phases import PhaseEngine
from frostline.training.schedulers.constant import Constant
from killable_runs import forks

STEPS = 5  # a phase
PHASES = (Phase("probe", (("head.*", 1.0), ("*", None)), epochs=1), Phase("full", (("*", 1.0),)))
Weights = dict[str, Tensor]


class Model(nn.Module):
    """An encoder of two layers, and a head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.head = nn.Linear(4, 2)

    def forward(self, vectors: Tensor) -> Tensor:
        for layer in self.encoder.layers:
            vectors = torch.relu(layer(vectors))
        logits: Tensor = self.head(vectors)
        return logits


def step(wrapped: nn.Module, optimizer: Any, rank: int, number: int) -> None:
    """A step on texts of this rank's own."""
    chance = torch.Generator().manual_seed(100 * rank + number)
    loss = wrapped(torch.randn(8, 4, generator=chance)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def naive(rank: int) -> Weights:
    """As it is usually written: freeze, wrap, train the head, thaw, train on."""
    model = Model()
    model.encoder.requires_grad_(False)
    wrapped = DistributedDataParallel(model, find_unused_parameters=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for number in range(2 * STEPS):
        if number == STEPS:
            model.encoder.requires_grad_(True)
        step(wrapped, optimizer, rank, number)
    return dict(model.named_parameters())


def planned(rank: int) -> Weights:
    """The same two phases as a plan."""
    model = Model()
    blocks = find_blocks(model.encoder, nn.Identity(), model.head)
    engine = PhaseEngine(resolve_phases(PHASES, [block.plan_block for block in blocks], 2), blocks)
    wrapped = DistributedDataParallel(model, find_unused_parameters=True)
    optimizer = sgd(engine.optimizer_groups(0.0), lr=0.1)
    for number in range(2 * STEPS):
        engine.enter(engine.plan.index_at(number // STEPS))
        engine.set_learning_rates(optimizer, 0.1, Constant(), number, STEPS)
        step(wrapped, optimizer, rank, number)
    return dict(model.named_parameters())


def weights(train: Callable[[int], Weights], rank: int) -> dict[str, list[Any]]:
    return {name: weight.tolist() for name, weight in train(rank).items()}


def verdict(train: Callable[[int], Weights], rank: int) -> str:
    """What a run itself says after a phase."""
    try:
        digest = weights_digest(train(rank))
        check_identical(digest, "after phase full", 2)
        return digest
    except FrostlineError as error:
        return str(error)


def member(rank: int, store: str, end: connection.Connection, work: Callable[[int], Any]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    end.send(work(rank))
    dist.barrier()
    dist.destroy_process_group()


def on_two_ranks(work: Callable[[int], Any]) -> list[Any]:
    """What `work` gives on each of two gloo ranks."""
    pipes, store = [forks().Pipe(duplex=False) for _ in range(2)], str(Path("store").absolute())
    members = [forks().Process(target=member, args=(rank, store, pipes[rank][1], work)) for rank in range(2)]
    for one in members:
        one.start()
    found = [ours.recv() if ours.poll(60) else None for ours, _ in pipes]
    for one in members:
        one.join(60)
    assert [one.exitcode for one in members] == [0, 0]
    return found


def drift(train: Callable[[int], Weights]) -> dict[str, float]:
    """The largest distance between the ranks' weights, by parameter."""
    one, other = on_two_ranks(partial(weights, train))
    return {name: float((torch.tensor(one[name]) - torch.tensor(other[name])).abs().max()) for name in one}


def test_what_is_thawed_after_the_wrap_drifts_apart() -> None:
    found = drift(naive)
    assert all(distance > 0 for name, distance in found.items() if name.startswith("encoder"))


def test_what_the_engine_thaws_stays_equal_to_the_bit() -> None:
    assert set(drift(planned).values()) == {0.0}


@pytest.mark.parametrize("train", [naive, planned])
def test_ranks_that_have_drifted_apart_are_told_so(train: Callable[[int], Weights]) -> None:
    one, other = on_two_ranks(partial(verdict, train))
    assert one == other
    told = "ranks: their weights differ after phase full (rank 0 "
    assert one.startswith(told) if train is naive else len(one) == 64
