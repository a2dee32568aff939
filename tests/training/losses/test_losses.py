"""Every loss equals the formula of its paper, text by text."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from frostline.errors import UserError
from frostline.models.interfaces import Capability, GlobalBatch
from frostline.training.losses.contrastive import Contrastive
from frostline.training.losses.cross_entropy import CrossEntropy
from frostline.training.losses.focal import Focal
from frostline.training.losses.supcon import SupCon
from parts import choices, part

N, C, D = 12, 3, 8
COUNTS = [6, 4, 2]


def drawn(seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Return random logits (N, C), labels (N,) and vectors (N, D)."""
    chance = torch.Generator().manual_seed(seed)
    logits, vectors = torch.randn(N, C, generator=chance), torch.randn(N, D, generator=chance)
    return logits * 2, torch.randint(C, (N,), generator=chance), vectors


def told(seed: int = 1) -> tuple[Tensor, Tensor]:
    """Return random logits (N, C) and labels (N, C) of 0 and 1."""
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(N, C, generator=chance), torch.randint(2, (N, C), generator=chance)


def whole(labels: Tensor, vectors: Tensor, own: Tensor | None = None, seed: int = 5) -> GlobalBatch:
    return GlobalBatch(vectors, labels, torch.arange(len(labels)) if own is None else own, seed)


def losses_of(loss: Any, logits: Tensor, labels: Tensor, vectors: Tensor) -> Tensor:
    if hasattr(loss, Capability.IN_BATCH):
        losses: Tensor = loss(logits, labels, vectors, whole(labels, vectors))
    else:
        losses = loss(logits, labels, vectors)
    return losses


@pytest.mark.parametrize("name", choices("loss"))
def test_each_text_has_a_loss_of_its_own_that_can_be_made_smaller(name: str) -> None:
    logits, labels, vectors = drawn()
    loss = part("loss", name, counts=COUNTS, multi_label=False)
    given = [logits.requires_grad_(), vectors.requires_grad_()]
    losses = losses_of(loss, given[0], labels, given[1])
    assert losses.shape == (N,) and (losses >= 0).all()
    losses.sum().backward()
    slopes = [part.grad for part in given if part.grad is not None]
    better = [(part - 1e-3 * part.grad).detach() if part.grad is not None else part for part in given]
    assert slopes and losses_of(loss, better[0], labels, better[1]).sum() < losses.sum()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5], "balanced"])
def test_cross_entropy_spreads_and_weighs_labels(smoothing: float, weights: Any) -> None:
    """Each class's term has the weight of that class, as in the paper of the balanced loss."""
    logits, labels, vectors = drawn()
    factors = [12 / 18, 12 / 12, 12 / 6] if weights == "balanced" else weights or [1.0] * C
    expected = []
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        total = math.log(sum(map(math.exp, row)))
        target = [smoothing / C + (1 - smoothing) * (c == label) for c in range(C)]
        expected.append(sum(f * t * (total - x) for f, t, x in zip(factors, target, row, strict=True)))
    loss = CrossEntropy(COUNTS, label_smoothing=smoothing, class_weights=weights)
    torch.testing.assert_close(loss(logits, labels, vectors), torch.tensor(expected))


def test_binary_cross_entropy_is_a_text_s_mean_over_classes() -> None:
    logits, labels = told()
    chances = logits.sigmoid()
    yes = (labels * 0.9 + 0.05) * torch.tensor([3.0, 1.0, 1.0])
    no = 1 - (labels * 0.9 + 0.05)
    expected = -(yes * chances.log() + no * (1 - chances).log()).mean(dim=1)
    loss = CrossEntropy(COUNTS, multi_label=True, label_smoothing=0.1, class_weights=[3.0, 1.0, 1.0])
    torch.testing.assert_close(loss(logits, labels), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_takes_what_is_told_well_lightly(gamma: float) -> None:
    logits, labels, _ = drawn()
    chance = logits.softmax(dim=1)[torch.arange(N), labels]
    torch.testing.assert_close(Focal(COUNTS, gamma=gamma)(logits, labels), -((1 - chance) ** gamma) * chance.log())
    factors = torch.tensor([1.0, 2.0, 0.5])
    weighed = Focal(COUNTS, gamma=gamma, class_weights=[1.0, 2.0, 0.5])(logits, labels)
    torch.testing.assert_close(weighed, -factors[labels] * (1 - chance) ** gamma * chance.log())


def test_focal_of_several_classes_a_text_is_the_mean_of_binary_ones() -> None:
    logits, labels = told()
    chance = torch.where(labels == 1, logits.sigmoid(), 1 - logits.sigmoid())
    expected = (-((1 - chance) ** 2) * chance.log()).mean(dim=1)
    torch.testing.assert_close(Focal(COUNTS, multi_label=True)(logits, labels), expected)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_of_a_text_that_is_told_for_certain_is_zero_and_has_a_slope(gamma: float) -> None:
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    loss = Focal(COUNTS, gamma=gamma)(logits, torch.tensor([0]))
    loss.sum().backward()
    assert loss.item() == 0 and logits.grad is not None and logits.grad.isfinite().all()


def contrast(labels: Tensor, vectors: Tensor, temperature: float) -> list[float]:
    """Return equation 3 of arXiv:2011.01403 for each text."""
    near = [vector / vector.norm() for vector in vectors]
    losses = []
    for i, label in enumerate(labels.tolist()):
        others = [j for j in range(len(labels)) if j != i]
        total = sum(math.exp(float(near[i] @ near[j]) / temperature) for j in others)
        own = [float(near[i] @ near[j]) / temperature - math.log(total) for j in others if labels[j] == label]
        losses.append(-sum(own) / max(len(own), 1))
    return losses


def test_supcon_is_the_paper_s() -> None:
    logits, labels, vectors = drawn()
    labels[0], labels[1:] = 2, labels[1:].clamp(max=1)  # the first is alone in its class
    plain = functional.cross_entropy(logits, labels, reduction="none")
    own = torch.tensor(contrast(labels, vectors, 0.2))
    assert own[0] == 0 and (own[1:] > 0).all()
    losses = SupCon(weight=0.7, temperature=0.2)(logits, labels, vectors, whole(labels, vectors))
    torch.testing.assert_close(losses, 0.3 * plain + 0.7 * own, rtol=1e-5, atol=1e-5)


def test_contrastive_compares_each_row_with_its_neighbour_in_the_pair() -> None:
    logits, labels, vectors = drawn()
    losses = Contrastive()(logits, labels, vectors, whole(labels, vectors))
    for i in range(0, N, 2):
        cosine = float(functional.cosine_similarity(vectors[i], vectors[i + 1], dim=0))
        expected = (cosine - float(labels[i] == labels[i + 1])) ** 2
        assert losses[i : i + 2].tolist() == pytest.approx([expected, expected], abs=1e-6)
    assert len({bool(labels[i] == labels[i + 1]) for i in range(0, N, 2)}) == 2, "pairs of both kinds"


@pytest.mark.parametrize("loss", [Contrastive, SupCon])
def test_data_without_two_texts_of_a_class_are_refused(loss: Any) -> None:
    with pytest.raises(UserError, match="loss: needs two training texts of one class, and each of the 3 classes has"):
        loss([1, 0, 1])
    loss([1, 0, 2])


def test_contrastive_within_a_batch_is_the_square_of_what_cosines_lack() -> None:
    logits, labels, vectors = drawn()
    loss = Contrastive(pairs=2, partners="batch")
    same, other = loss.draw_pairs(labels, seed=5)
    losses = loss(logits, labels, vectors, whole(labels, vectors))
    for i in range(N):
        cosines = functional.cosine_similarity(vectors[i : i + 1], vectors)
        terms = [float((cosines[j] - 1) ** 2) for j in range(N) if same[i, j]]
        terms += [float(cosines[j] ** 2) for j in range(N) if other[i, j]]
        assert losses[i].item() == pytest.approx(sum(terms) / len(terms), abs=1e-6)


def test_pairs_are_bounded_and_of_the_right_kind() -> None:
    labels = torch.randint(4, (64,), generator=torch.Generator().manual_seed(1))
    for pairs in (1, 3):
        same, other = Contrastive(pairs=pairs).draw_pairs(labels, seed=1)
        assert int(same.sum()) == int(other.sum()) == pairs * len(labels)
        assert all(labels[i] == labels[j] and i != j for i, j in same.nonzero().tolist())
        assert all(labels[i] != labels[j] for i, j in other.nonzero().tolist())


def test_pairs_follow_from_the_seed_and_differ_between_seeds() -> None:
    _, labels, _ = drawn()
    first, again, later = (Contrastive().draw_pairs(labels, seed) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], later[0]) and not torch.equal(first[1], later[1])


def test_a_text_without_partners_has_no_loss() -> None:
    labels, vectors = torch.tensor([0]), torch.randn(1, D, requires_grad=True)
    loss = Contrastive(partners="batch")(torch.zeros(1, C), labels, vectors, whole(labels, vectors))
    loss.sum().backward()
    assert loss.item() == 0
    assert vectors.grad is not None and not vectors.grad.any()


@pytest.mark.parametrize("loss", [SupCon(), Contrastive(), Contrastive(partners="batch")], ids=str)
def test_a_rank_s_losses_are_its_rows_of_the_whole_batch_s(loss: Any) -> None:
    logits, labels, vectors = drawn()
    every = loss(logits, labels, vectors, whole(labels, vectors))
    own = torch.tensor([1, 3, 5, 7, 9, 11])
    part = loss(logits[own], labels[own], vectors[own], whole(labels, vectors, own))
    torch.testing.assert_close(part, every[own])


@pytest.mark.parametrize("loss", [SupCon, Contrastive])
def test_pairs_are_of_texts_of_one_class_each(loss: Any) -> None:
    with pytest.raises(UserError, match=r"loss: \w+ pairs texts of one class each, and these have several; choose"):
        loss(multi_label=True)


@pytest.mark.parametrize("loss", [CrossEntropy, Focal])
def test_every_class_has_its_weight(loss: Any) -> None:
    with pytest.raises(UserError, match=r"loss\.class_weights: 2 weights for 3 classes; give 3, in the order"):
        loss(COUNTS, class_weights=[1.0, 2.0])
