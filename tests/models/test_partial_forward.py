"""An encoder that begins at one of its layers gives what it gives from its tokens, to the bit, and so do gradients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cache_entries import KEY, Dtype, fill
from families import FAMILIES, LAYERS, encoder_of
from frostline.cache.arrays import StatesReader
from frostline.cache.entry import Entry
from frostline.models.partial_forward import PartialForward

NOT = {"ALBERT": "used 3 times", "T5": "more than states", "XLNet": "states of another shape"}
ABLE = [family for family in FAMILIES if family not in NOT]


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)], autouse=True)
def device(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the test makes lies there."""
    with torch.device(request.param):
        yield


def texts(lengths: list[int]) -> tuple[Tensor, Tensor]:
    torch.manual_seed(len(lengths))
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    return torch.randint(3, 60, mask.shape) * mask, mask


def gradients(encoder: torch.nn.Module, count: int, states: Tensor, mask: Tensor) -> list[Tensor]:
    layers = PartialForward(encoder).layers[count:]
    weight = torch.linspace(-1, 1, states.shape[-1])
    loss = (states * weight * mask[..., None]).square().sum()
    learning = [p for layer in layers for p in layer.parameters()]
    return list(torch.autograd.grad(loss, learning, allow_unused=True)) if learning else []


@pytest.mark.parametrize("family", ABLE)
@settings(max_examples=8, deadline=None)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=5), count=st.integers(1, LAYERS))
def test_outputs_and_gradients_are_those_of_the_whole_pass(family: str, lengths: list[int], count: int) -> None:
    encoder, (ids, mask) = encoder_of(family), texts(lengths)
    partial, kept = PartialForward(encoder), mask.bool()
    assert partial.incompatibility(count, ids, mask) is None
    whole = encoder(ids, mask)
    states = partial.states(count, ids, mask).detach().masked_fill(~kept[..., None], 0)
    with partial.replace_lower_layers(count, states):
        begun = encoder(ids, mask)
    assert torch.equal(begun[kept], whole[kept])
    for one, other in zip(gradients(encoder, count, begun, mask), gradients(encoder, count, whole, mask), strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)


@pytest.mark.parametrize("family", ABLE)
def test_nothing_of_the_bypassed_layers_is_computed_and_all_is_as_before_afterwards(family: str) -> None:
    encoder, (ids, mask) = encoder_of(family), texts([9, 4])
    partial = PartialForward(encoder)
    assert partial.incompatibility(2, ids, mask) is None
    states, before = partial.states(2, ids, mask), encoder(ids, mask)
    with torch.no_grad():
        for parameter in partial.layers[0].parameters():
            parameter.mul_(3)
    with partial.replace_lower_layers(2, states):
        begun = encoder(ids, mask)
    assert torch.equal(begun[mask.bool()], before[mask.bool()])
    assert not torch.equal(encoder(ids, mask), before), "outside, the changed layer counts"


@pytest.mark.parametrize("family", NOT)
def test_a_family_that_cannot_begin_at_a_layer_says_why(family: str) -> None:
    encoder = encoder_of(family)
    count = len(PartialForward(encoder).layers)
    reason = PartialForward(encoder).incompatibility(count, *texts([9, 4]))
    assert reason is not None and NOT[family] in reason


def test_an_encoder_whose_upper_layers_read_more_than_states_is_found_out() -> None:
    """One that keeps aside what its lowest layer computes, for its highest: fed states cannot stand for that."""
    encoder, aside = encoder_of("BERT"), {}
    lowest, _, highest = PartialForward(encoder).layers
    lowest.attention.register_forward_hook(lambda m, given, output: aside.update(mean=output[0].mean()))
    highest.register_forward_hook(lambda m, given, output: output + aside["mean"])
    reason = PartialForward(encoder).incompatibility(2, *texts([9, 4]))
    assert reason == "its upper layers read more than states"


@pytest.mark.parametrize("family", ABLE)
@settings(max_examples=6, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=2, max_size=9),
    count=st.integers(1, LAYERS),
    size=st.integers(1, 4),
    dtype=st.sampled_from(["float32", "float16"]),
    data=st.data(),
)
def test_through_the_store_in_any_batches_it_differs_by_what_padding_makes_alone(
    family: str, lengths: list[int], count: int, size: int, dtype: Dtype, data: st.DataObject
) -> None:
    """Written in batches of one order and size, read in those of another; float16 rounds what it keeps, and no more."""
    encoder, (ids, mask) = encoder_of(family), texts(lengths)
    partial, rows = PartialForward(encoder), list(range(len(lengths)))
    assert partial.incompatibility(count, ids, mask) is None
    order, read = data.draw(st.permutations(rows)), np.array(data.draw(st.permutations(rows))[:3])
    kept: dict[int, Tensor] = {}
    for batch in (order[i : i + size] for i in range(0, len(rows), size)):
        length = max(lengths[row] for row in batch)
        states = partial.states(count, ids[batch, :length], mask[batch, :length]).detach()
        kept |= {row: states[place, : lengths[row]].cpu() for place, row in enumerate(batch)}
    with TemporaryDirectory() as folder:
        batches = [order[i : i + size] for i in range(0, len(rows), size)]
        found = StatesReader(fill(Entry(Path(folder), KEY), kept, batches, dtype=dtype)).padded(read).to(ids.device)
    length = max(lengths[row] for row in read)
    given_ids, given_mask = ids[read, :length], mask[read, :length]
    with partial.replace_lower_layers(count, found):
        begun = encoder(given_ids, given_mask)
    there = given_mask.bool()
    noise = 2e-2 if dtype == "float16" else 1e-5
    torch.testing.assert_close(begun[there], encoder(given_ids, given_mask)[there], rtol=noise, atol=noise)
