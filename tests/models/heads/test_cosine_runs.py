"""Heads of cosines learn in real runs to where a loop in plain PyTorch takes them, or stay as they begin."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from prepared_run import trained_run
from reference_loop import ByHand, assert_same, few_texts

DESCRIBED = "head.descriptions={class 1: a bad film, class 2: a good film}"


def named_vectors(plain: ByHand, texts: list[str]) -> Tensor:
    """Each text's mean state, read alone."""
    plain.model.eval()
    found = []
    for text in texts:
        given = plain.tokenizer([text], return_tensors="pt")
        found.append(plain.model(**given).last_hidden_state[0].mean(dim=0).detach())
    return torch.stack(found)


def cosines(vectors: Tensor, weight: Tensor) -> Tensor:
    return (vectors / vectors.norm(dim=1, keepdim=True)) @ (weight / weight.norm(dim=1, keepdim=True)).T


@pytest.mark.parametrize("words", [[], [DESCRIBED]], ids=["names", "descriptions"])
def test_applied_directly_each_text_is_the_class_whose_name_is_nearest(job: Any, words: list[str]) -> None:
    found = job("head=label_similarity", "freezing=direct", *few_texts(100), *words)
    fit = trained_run(found)
    scores, plain, test = fit.evaluate(), ByHand(found.config), fit.built.corpus.test
    weight = named_vectors(plain, ["a bad film", "a good film"] if words else ["class 1", "class 2"])
    torch.testing.assert_close(fit.classifier.model.head.weight.detach(), weight, rtol=0, atol=1e-5)
    vectors = named_vectors(plain, list(test.texts))  # type: ignore[arg-type]  # no pairs
    right = cosines(vectors, weight).argmax(dim=1) == torch.tensor(test.labels)
    assert scores["test/accuracy"] == pytest.approx(float(right.float().mean()))


@pytest.mark.parametrize("freezing", ["frozen", pytest.param("full", marks=pytest.mark.slow)])
@pytest.mark.parametrize("head", ["label_similarity", "cosine"])
def test_heads_of_cosines_learn_as_in_plain_pytorch(job: Any, head: str, freezing: str) -> None:
    found = job(f"head={head}", f"freezing={freezing}", "trainer.max_epochs=5", *few_texts(100))
    fit, plain = trained_run(found), ByHand(found.config)
    drawn = plain.head.weight.detach()
    weight = nn.Parameter(named_vectors(plain, ["class 1", "class 2"]) if head == "label_similarity" else drawn.clone())
    scale = nn.Parameter(torch.tensor([10.0]))
    named = {"head.weight": weight} | ({"head.scale": scale} if head == "cosine" else {})
    named |= {} if freezing == "frozen" else plain.encoder()

    def loss(rows: Any) -> Tensor:
        read = plain.read(rows)
        sharp = scale if head == "cosine" else 20
        return nn.functional.cross_entropy(sharp * cosines(read.mean(), weight), read.labels)

    before = {name: value.detach().clone() for name, value in named.items()}
    plain.run(loss, named=named)
    assert all(not torch.equal(before[name], value) for name, value in named.items() if name.startswith("head."))
    assert_same(fit.weights(), named)
