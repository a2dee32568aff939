"""Every pooler: token states (B, T, D) and a mask (B, T) to vectors (B, D), blind to padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from frostline.models.interfaces import LayerMixing
from frostline.models.poolers.attention import Attention
from frostline.models.poolers.cls import Cls
from frostline.models.poolers.last import Last
from frostline.models.poolers.layer_mix import LayerMix
from frostline.models.poolers.max import Max
from frostline.models.poolers.mean import Mean
from frostline.models.poolers.weighted_last import WeightedLast
from parts import choices, part

B, T, D = 4, 7, 12
LENGTHS = torch.tensor([7, 1, 3, 5])


def states(tokens: int = T, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(B, tokens, D, generator=torch.Generator().manual_seed(1)).to(dtype)


def right_padded() -> Tensor:
    return (torch.arange(T) < LENGTHS[:, None]).long()


def left_padded() -> Tensor:
    return right_padded().flip(1)


class OverLayers(nn.Module):
    """Gives a pooler that reads every layer three of them, which follow from the last one's states."""

    def __init__(self, mixer: nn.Module) -> None:
        super().__init__()
        self.mixer = mixer

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        found: Tensor = self.mixer(torch.stack([states.sin(), 2 * states, states]), mask)
        return found


def made(name: str) -> nn.Module:
    own: nn.Module = part("pooler", name, width=D, layers=2)
    return OverLayers(own) if isinstance(own, LayerMixing) else own


@pytest.fixture(params=choices("pooler"))
def pooler(request: pytest.FixtureRequest) -> nn.Module:
    """With parameters, if it has any, that are not those it begins with."""
    torch.manual_seed(1)
    found = made(request.param)
    for parameter in found.parameters():
        nn.init.normal_(parameter)
    return found.eval()


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
        first = made(name)
        torch.manual_seed(7)
        second = made(name)
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


@pytest.mark.parametrize("mask", [right_padded(), left_padded()], ids=["right", "left"])
def test_last_is_the_last_token_of_a_text(mask: Tensor) -> None:
    assert torch.equal(Last()(states(), mask), torch.stack([text[-1] for text in texts(mask)]))


@pytest.mark.parametrize("mask", [right_padded(), left_padded()], ids=["right", "left"])
def test_weighted_last_weighs_each_token_by_its_place_in_the_text(mask: Tensor) -> None:
    expected = []
    for text in texts(mask):
        total = len(text) * (len(text) + 1) / 2
        expected.append(torch.stack([token * i / total for i, token in enumerate(text, start=1)]).sum(0))
    torch.testing.assert_close(WeightedLast()(states(), mask), torch.stack(expected))


@pytest.mark.parametrize("mask", [right_padded(), left_padded()], ids=["right", "left"])
def test_attention_weighs_each_token_by_softmax_over_the_text(mask: Tensor) -> None:
    pooler = Attention(D)
    torch.testing.assert_close(pooler(states(), mask), Mean()(states(), mask), msg="it begins as the mean")
    nn.init.normal_(pooler.query)
    expected = []
    for text in texts(mask):
        powers = [float((token @ pooler.query).detach() / D**0.5) for token in text]
        shares = torch.tensor(powers).exp() / torch.tensor(powers).exp().sum()
        expected.append(torch.stack([share * token for share, token in zip(shares, text, strict=True)]).sum(0))
    torch.testing.assert_close(pooler(states(), mask), torch.stack(expected))


@pytest.mark.parametrize("mask", [right_padded(), left_padded()], ids=["right", "left"])
def test_layer_mix_weighs_each_layer_s_mean(mask: Tensor) -> None:
    mix, layers = LayerMix(layers=2), torch.stack([states(), states() + 1, states() ** 2])
    means = [Mean()(layer, mask) for layer in layers]
    torch.testing.assert_close(mix(layers, mask), sum(means) / 3)
    with torch.no_grad():
        mix.weights.copy_(torch.tensor([1.0, 2.0, 1e-30]).log())
        mix.scale.fill_(5)
    torch.testing.assert_close(mix(layers, mask), 5 * (means[0] / 3 + means[1] * 2 / 3))
