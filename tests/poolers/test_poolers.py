"""Every pooler: token states (B, T, D) and a mask (B, T) to vectors (B, D), blind to padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from frostline.poolers.cls import Cls
from frostline.poolers.max import Max
from frostline.poolers.mean import Mean
from parts import choices, part

B, T, D = 4, 7, 12
LENGTHS = torch.tensor([7, 1, 3, 5])


def states(tokens: int = T, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(B, tokens, D, generator=torch.Generator().manual_seed(1)).to(dtype)


def right_padded() -> Tensor:
    return (torch.arange(T) < LENGTHS[:, None]).long()


def left_padded() -> Tensor:
    return right_padded().flip(1)


@pytest.fixture(params=choices("pooler"))
def pooler(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(1)
    made: nn.Module = part("pooler", request.param, width=D)
    return made.eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_states_become_one_vector_a_text(pooler: nn.Module, dtype: torch.dtype) -> None:
    vectors = pooler.to(dtype)(states(dtype=dtype), right_padded())
    assert vectors.shape == (B, D)
    assert vectors.dtype == dtype
    assert vectors.isfinite().all()


@pytest.mark.parametrize("filling", [0.0, 1e4, -1e4, float("nan")])
def test_what_padding_holds_changes_nothing(pooler: nn.Module, filling: float) -> None:
    mask = right_padded()
    filled = states().masked_fill(mask[..., None] == 0, filling)
    torch.testing.assert_close(pooler(filled, mask), pooler(states(), mask))


def test_more_padding_changes_nothing(pooler: nn.Module) -> None:
    mask = right_padded()
    longer, longer_mask = nn.functional.pad(states(), (0, 0, 0, 4), value=3.0), nn.functional.pad(mask, (0, 4))
    torch.testing.assert_close(pooler(longer, longer_mask), pooler(states(), mask))


def test_a_text_has_the_same_vector_alone_and_in_company(pooler: nn.Module) -> None:
    together = pooler(states(), right_padded())
    for row, length in enumerate(LENGTHS.tolist()):
        alone = pooler(states()[row : row + 1, :length], torch.ones(1, length).long())
        torch.testing.assert_close(together[row : row + 1], alone)


def test_padding_may_stand_on_the_left(pooler: nn.Module) -> None:
    right, left = states(), torch.zeros(B, T, D)
    for row, length in enumerate(LENGTHS.tolist()):
        left[row, T - length :] = right[row, :length]
    torch.testing.assert_close(pooler(left, left_padded()), pooler(right, right_padded()))


def test_the_mask_may_be_of_any_kind_of_number(pooler: nn.Module) -> None:
    mask = right_padded()
    for kind in (torch.bool, torch.int32, torch.float32):
        assert torch.equal(pooler(states(), mask.to(kind)), pooler(states(), mask))


def test_gradients_reach_the_tokens_of_a_text_and_no_padding(pooler: nn.Module) -> None:
    given, mask = states().requires_grad_(), right_padded()
    pooler(given, mask).square().sum().backward()
    assert given.grad is not None
    assert (given.grad.abs().sum(dim=(1, 2)) > 0).all()
    assert (given.grad[mask == 0] == 0).all()


def test_the_same_seed_gives_the_same_pooler() -> None:
    for name in choices("pooler"):
        torch.manual_seed(7)
        first = part("pooler", name, width=D)
        torch.manual_seed(7)
        second = part("pooler", name, width=D)
        assert torch.equal(first.eval()(states(), right_padded()), second.eval()(states(), right_padded()))


# Each by its own formula, text by text


def texts(mask: Tensor) -> list[Tensor]:
    return [text[kept.bool()] for text, kept in zip(states(), mask, strict=True)]


@pytest.mark.parametrize("mask", [right_padded(), left_padded()], ids=["right", "left"])
def test_mean_is_the_mean_of_a_text_s_tokens(mask: Tensor) -> None:
    expected = torch.stack([torch.stack([token / len(text) for token in text]).sum(0) for text in texts(mask)])
    torch.testing.assert_close(Mean()(states(), mask), expected)


@pytest.mark.parametrize("mask", [right_padded(), left_padded()], ids=["right", "left"])
def test_max_is_the_largest_value_of_each_dimension(mask: Tensor) -> None:
    expected = torch.tensor([[max(column) for column in text.T.tolist()] for text in texts(mask)])
    assert torch.equal(Max()(states(), mask), expected)


@pytest.mark.parametrize("mask", [right_padded(), left_padded()], ids=["right", "left"])
def test_cls_is_the_first_token_of_a_text(mask: Tensor) -> None:
    assert torch.equal(Cls()(states(), mask), torch.stack([text[0] for text in texts(mask)]))
