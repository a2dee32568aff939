"""Every head: vectors (B, D) to logits (B, C), drawn from a seed, and able to learn."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.heads.linear import Linear
from frostline.heads.mlp import Mlp
from parts import choices, part

B, D, C = 32, 24, 5


def vectors(rows: int = B) -> Tensor:
    return torch.randn(rows, D, generator=torch.Generator().manual_seed(1))


def head_of(name: str, classes: int = C, seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    made: nn.Module = part("head", name, width=D, classes=classes)
    return made


@pytest.fixture(params=choices("head"))
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.mark.parametrize("rows", [1, B])
@pytest.mark.parametrize("classes", [2, C])
def test_vectors_become_logits(name: str, rows: int, classes: int) -> None:
    logits = head_of(name, classes)(vectors(rows))
    assert logits.shape == (rows, classes)
    assert logits.isfinite().all()


def test_rows_do_not_look_at_each_other(name: str) -> None:
    head = head_of(name).eval()
    torch.testing.assert_close(head(vectors())[3:4], head(vectors()[3:4]))


def test_a_head_is_drawn_from_the_seed_alone(name: str) -> None:
    first, again, other = (head_of(name, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_in_eval_mode_a_head_is_a_function(name: str) -> None:
    head = head_of(name).eval()
    assert torch.equal(head(vectors()), head(vectors()))


def test_gradients_reach_every_parameter_and_the_vectors(name: str) -> None:
    head, given = head_of(name), vectors().requires_grad_()
    functional.cross_entropy(head(given), torch.arange(B) % C).backward()
    for tensor in [*head.parameters(), given]:
        assert tensor.grad is not None and tensor.grad.abs().sum() > 0


def test_at_first_no_class_is_preferred(name: str) -> None:
    """The loss of a head that knows nothing is near log C."""
    loss = functional.cross_entropy(head_of(name).eval()(vectors()), torch.arange(B) % C)
    assert abs(loss.item() - math.log(C)) < 0.2


def test_a_head_learns_what_can_be_told_apart(name: str) -> None:
    head = head_of(name)
    labels = (vectors()[:, :C]).argmax(dim=1)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.03)
    for _ in range(150):
        optimizer.zero_grad()
        functional.cross_entropy(head(vectors()), labels).backward()
        optimizer.step()
    assert (head.eval()(vectors()).argmax(dim=1) == labels).float().mean() > 0.95


def test_linear_begins_as_bert_s_heads_do() -> None:
    torch.manual_seed(1)
    head = Linear(width=400, classes=50)
    assert abs(head.out.weight.std().item() - 0.02) < 0.0005
    assert abs(head.out.weight.mean().item()) < 0.0005
    assert not head.out.bias.any()


def test_linear_is_a_matrix_and_a_bias() -> None:
    head = Linear(D, C, dropout=0.5).eval()
    torch.testing.assert_close(head(vectors()), vectors() @ head.out.weight.T + head.out.bias)


def test_mlp_is_two_matrices_with_gelu_between() -> None:
    head = Mlp(D, C, hidden=7).eval()
    x = vectors() @ head.hidden.weight.T + head.hidden.bias
    gelu = x * 0.5 * (1 + torch.erf(x / 2**0.5))
    torch.testing.assert_close(head(vectors()), gelu @ head.out.weight.T + head.out.bias)
    assert head.hidden.weight.shape == (7, D)
    assert Mlp(D, C).hidden.weight.shape == (D, D)


def test_dropout_acts_in_training_alone() -> None:
    torch.manual_seed(1)
    ones, head = torch.ones(4000, 8), Linear(8, 2, dropout=0.25)
    dropped = head.dropout(ones)
    assert abs(float((dropped == 0).float().mean()) - 0.25) < 0.02
    assert torch.equal(head.eval().dropout(ones), ones)
