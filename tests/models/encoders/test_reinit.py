"""Top layers drawn anew: these and no others, as the family draws them, from the seed."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from frostline.instantiate import make
from frostline.seeding import derive_seed

LAYERS = 2


def weights(found: Any, seed: int = 1) -> dict[str, torch.Tensor]:
    torch.manual_seed(derive_seed(seed, "encoder"))
    return {name: p.detach() for name, p in make(found.config["encoder"]).model.named_parameters()}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_exactly_the_top_layers_differ_from_the_files(job: Any, count: int) -> None:
    before, after = weights(job("encoder=bert_tiny")), weights(job("encoder=bert_tiny", f"encoder.reinit_top={count}"))
    top = tuple(f"encoder.layer.{i}." for i in range(LAYERS - count, LAYERS))
    differs = {name for name in before if not torch.equal(before[name], after[name])}
    assert differs == {name for name in before if top and name.startswith(top)}


def test_they_are_drawn_as_bert_begins_and_from_the_seed(job: Any) -> None:
    found = job("encoder=bert_tiny", "encoder.reinit_top=1")
    one, again, other = (weights(found, seed) for seed in (1, 1, 2))
    drawn = {name: p for name, p in one.items() if name.startswith("encoder.layer.1.")}
    for name, value in drawn.items():
        assert torch.equal(value, again[name])
        if name.endswith("LayerNorm.weight"):
            assert value.eq(1).all()
        elif value.ndim == 1:
            assert value.eq(0).all()
        else:
            assert not torch.equal(value, other[name])
            assert float(value.std()) == pytest.approx(0.02, rel=0.05)
            assert float(value.mean()) == pytest.approx(0, abs=0.001)
