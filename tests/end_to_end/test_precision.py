"""Mixed precision works, also with a fused optimizer and gradient clipping."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from conftest import Go
from frostline.instantiate import make
from frostline.models.interfaces import FittedHead, GlobalBatch
from frostline.results.atomic_files import read_json
from frostline.training.losses.contrastive import Contrastive
from frostline.training.losses.supcon import SupCon
from frostline.training.regularizers.rdrop import divergence
from parts import config

WORDS = ["debug=fast", "dataset.max_train=64", "freezing=full", "trainer.gradient_clip_val=0.5"]


def head(run: dict[str, Any]) -> Any:
    return load_file(run["folder"] / "checkpoints" / "best.safetensors")["head.out.weight"]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize(
    ("precision", "trainer"), [("bf16-mixed", "cpu"), pytest.param("16-mixed", "gpu", marks=pytest.mark.gpu)]
)
def test_mixed_precision_comes_near_to_full_precision(go: Go, optimizer: str, precision: str, trainer: str) -> None:
    words = [*WORDS, f"optimizer={optimizer}", f"trainer={trainer}"]
    full, mixed = (head(go(*words, f"trainer.precision={name}")) for name in ("32-true", precision))
    assert 0 < float((full - mixed).abs().max()) < 1e-3


@pytest.mark.filterwarnings("ignore:You passed .Trainer:UserWarning")
def test_the_record_has_the_precision_that_was_used(go: Go) -> None:
    """Lightning has no float16 on a CPU and takes bfloat16 instead."""
    words = ["debug=fast", "freezing=direct", "trainer=cpu"]
    for asked, used in (("16-mixed", "bf16-mixed"), ("32-true", "32-true")):
        run = go(*words, f"trainer.precision={asked}")
        assert run["config"]["trainer"]["precision"] == asked
        assert read_json(run["folder"] / "environment.json")["precision"] == used


N, C, D = 40, 3, 24
HALF = pytest.mark.parametrize("half", [torch.bfloat16, torch.float16], ids=["bf16", "fp16"])


def drawn() -> tuple[Tensor, Tensor]:
    """Return vectors (N, D) that are close to each other, like those of text encoders, and labels (N,)."""
    chance = torch.Generator().manual_seed(1)
    vectors = torch.randn(N, D, generator=chance)
    return vectors * 0.1 + 3, vectors[:, :C].argmax(dim=1)


@HALF
@pytest.mark.parametrize("loss", [SupCon(), Contrastive()], ids=["supcon", "contrastive"])
def test_losses_on_vectors_have_all_their_digits_within_a_mixed_step(loss: Any, half: torch.dtype) -> None:
    vectors, labels = drawn()
    given = torch.zeros(N, C), labels, vectors, GlobalBatch(vectors, labels, torch.arange(N), 1)
    plain = loss(*given)
    with torch.autocast("cpu", half):
        torch.testing.assert_close(loss(*given), plain)


@HALF
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cosine", []),
        ("label_similarity", []),
        ("logistic", ["head.C=100"]),
        ("prototype", ["head.metric=euclidean"]),
        ("prototype", ["head.metric=cosine"]),
        ("knn", ["head.metric=euclidean"]),
        ("knn", ["head.metric=cosine", "head.weights=distance"]),
    ],
)
def test_heads_that_compare_have_all_their_digits_within_a_mixed_step(
    name: str, words: list[str], half: torch.dtype
) -> None:
    vectors, labels = drawn()
    head: nn.Module = make(config("head", name, *words), width=D, classes=C, names=["a", "b", "c"], texts=N)
    if isinstance(head, FittedHead):
        head.fit(vectors, labels)
    plain = head(vectors)
    with torch.autocast("cpu", half):
        torch.testing.assert_close(head(vectors), plain)


@pytest.mark.parametrize("multi_label", [False, True])
def test_r_drop_does_not_round_the_logits_that_it_compares(multi_label: bool) -> None:
    """Bfloat16 would lose the difference of similar logits."""
    first = drawn()[0][:, :C].bfloat16()
    second = first.clone()
    second[:, 0] += 0.1
    result, expected = (divergence(a, b, multi_label) for a, b in ((first, second), (first.float(), second.float())))
    torch.testing.assert_close(result, expected)
