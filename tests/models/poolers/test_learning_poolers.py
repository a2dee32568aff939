"""Poolers with parameters learn with the head, in real steps, to where a loop in plain PyTorch takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from prepared_run import trained_run
from reference_loop import ByHand, Read, assert_same, few_texts

Parameters = dict[str, nn.Parameter]


def attended(own: Parameters, read: Read) -> Tensor:
    scores = read.layers[-1] @ own["pooler.query"] / read.layers[-1].shape[-1] ** 0.5
    weights = scores.masked_fill(read.mask == 0, -torch.inf).softmax(1)
    return torch.einsum("bt,btd->bd", weights, read.layers[-1])


def mixed(own: Parameters, read: Read) -> Tensor:
    mask = read.mask[..., None].float()
    means = [(states * mask).sum(1) / mask.sum(1) for states in read.layers]
    shares = own["pooler.weights"].exp() / own["pooler.weights"].exp().sum()
    return own["pooler.scale"] * sum(share * mean for share, mean in zip(shares, means, strict=True))


BEGIN: dict[str, tuple[Callable[[Parameters, Read], Tensor], dict[str, Tensor]]] = {
    "attention": (attended, {"query": torch.zeros(128)}),
    "layer_mix": (mixed, {"weights": torch.zeros(3), "scale": torch.ones(1)}),
}


@pytest.mark.parametrize("freezing", ["frozen", pytest.param("full", marks=pytest.mark.slow)])
@pytest.mark.parametrize("pooler", BEGIN)
def test_a_pooler_learns_with_the_head_as_in_plain_pytorch(job: Any, pooler: str, freezing: str) -> None:
    """Twenty steps; a frozen encoder rests in eval mode while the pooler above it learns."""
    found = job(f"pooler={pooler}", f"freezing={freezing}", "trainer.max_epochs=5", *few_texts(100))
    fit = trained_run(found)
    plain, (pool, begin) = ByHand(found.config), BEGIN[pooler]
    own = {f"pooler.{name}": nn.Parameter(value.clone()) for name, value in begin.items()}
    named = own | {f"head.{name}": p for name, p in plain.head.named_parameters()}
    named |= {} if freezing == "frozen" else plain.encoder()

    def loss(rows: Any) -> Tensor:
        read = plain.read(rows)
        return nn.functional.cross_entropy(plain.head(pool(own, read)), read.labels)

    plain.run(loss, named=named)
    assert all(not torch.equal(p, begin[name.removeprefix("pooler.")]) for name, p in own.items())
    assert_same(fit.weights(), named)
