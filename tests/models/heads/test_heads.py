"""Every head that maps vectors: (B, D) to logits (B, C), drawn from a seed, able to learn, or fitted first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.config.checks.source import capabilities
from frostline.errors import UserError
from frostline.models.heads.cosine import Cosine
from frostline.models.heads.label_similarity import LabelSimilarity
from frostline.models.heads.linear import Linear
from frostline.models.heads.mlp import Mlp
from frostline.models.interfaces import Capability, FittedHead
from parts import choices, config, part

B, D, C = 32, 24, 5


def vectors(rows: int = B) -> Tensor:
    return torch.randn(rows, D, generator=torch.Generator().manual_seed(1))


def targets(classes: int = C) -> Tensor:
    return (vectors()[:, :classes]).argmax(dim=1)


def head_of(name: str, classes: int = C, seed: int = 1) -> nn.Module:
    """As a run makes it; one that is solved knows the vectors already."""
    torch.manual_seed(seed)
    names = [f"class {i}" for i in range(classes)]
    made: nn.Module = part("head", name, width=D, classes=classes, names=names, texts=B)
    if isinstance(made, FittedHead):
        made.fit(vectors(), targets(classes))
    return made


POOLERLESS = {Capability.FORWARD_PROMPT, Capability.FORWARD_STATES}
OFFERS = {name: capabilities(config("head", name)["_target_"]) for name in choices("head")}
OF_VECTORS = [name for name in OFFERS if not OFFERS[name].keys() & POOLERLESS]
LEARNING = [name for name in OF_VECTORS if Capability.FIT not in OFFERS[name]]
SHARP = {"cosine": 10, "label_similarity": 20}  # what multiplies their cosines


@pytest.fixture(params=OF_VECTORS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(params=LEARNING)
def learning(request: pytest.FixtureRequest) -> str:
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


def test_a_head_is_drawn_from_the_seed_alone(learning: str) -> None:
    first, again, other = (head_of(learning, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_in_eval_mode_a_head_is_a_function(name: str) -> None:
    head = head_of(name).eval()
    assert torch.equal(head(vectors()), head(vectors()))


def test_gradients_reach_every_parameter_and_the_vectors(learning: str) -> None:
    head, given = head_of(learning), vectors().requires_grad_()
    functional.cross_entropy(head(given), torch.arange(B) % C).backward()
    for tensor in [*head.parameters(), given]:
        assert tensor.grad is not None and tensor.grad.abs().sum() > 0


def test_at_first_no_class_is_preferred(learning: str) -> None:
    """The loss of a head that knows nothing is near log C; cosines are made less sharp for that."""
    logits = head_of(learning).eval()(vectors()) / SHARP.get(learning, 1)
    assert abs(functional.cross_entropy(logits, torch.arange(B) % C).item() - math.log(C)) < 0.2


def test_a_head_learns_what_can_be_told_apart(learning: str) -> None:
    head, labels = head_of(learning), targets()
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


def test_a_solved_head_has_nothing_to_learn_and_the_same_vectors_solve_it_again() -> None:
    for name in set(OF_VECTORS) - set(LEARNING):
        assert not list(head_of(name).parameters())
        first, again = head_of(name, seed=1).state_dict(), head_of(name, seed=2).state_dict()
        assert all(torch.equal(first[key], again[key]) for key in first), name


def cosines(one: Tensor, other: Tensor) -> Tensor:
    return torch.stack([torch.stack([functional.cosine_similarity(x, y, dim=0) for y in other]) for x in one])


def test_cosine_takes_no_notice_of_lengths() -> None:
    head = Cosine(D, C, scale=7.0)
    torch.testing.assert_close(head(vectors()), 7 * cosines(vectors(), head.weight))
    torch.testing.assert_close(head(vectors() * 50), head(vectors()))
    assert isinstance(head.scale, nn.Parameter)
    fixed = Cosine(D, C, learned=False)
    assert [name for name, _ in fixed.named_parameters()] == ["weight"]
    assert fixed.scale.item() == 10


def test_label_similarity_compares_with_what_the_classes_are_called() -> None:
    known = {"a": vectors()[0], "b": vectors()[1], "not b": vectors()[2]}

    def embed(texts: Sequence[Any]) -> Tensor:
        return torch.stack([known[text] for text in texts])

    head = LabelSimilarity(D, ["a", "b"], temperature=0.1)
    head.init_from_class_names(embed)
    torch.testing.assert_close(head(vectors()), 10 * cosines(vectors(), vectors()[:2]))
    described = LabelSimilarity(D, ["a", "b"], descriptions={"b": "not b", "a": "b"}, temperature=0.1)
    described.init_from_class_names(embed)
    torch.testing.assert_close(described(vectors()), 10 * cosines(vectors(), vectors()[1:3]))


def test_every_class_and_no_other_is_described() -> None:
    with pytest.raises(UserError) as told:
        LabelSimilarity(D, ["ham", "spam"], descriptions={"hamm": "wanted", "ham": "wanted"})
    assert [str(problem) for problem in told.value.problems] == [
        "head.descriptions: there is no class 'hamm'; did you mean ham?",
        "head.descriptions: 1 of 2 classes have none, the first of them 'spam'; "
        "describe every class, or give null for their names",
    ]
