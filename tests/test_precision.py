"""Mixed precision trains, with a fused optimizer and clipped gradients too."""

from __future__ import annotations

from typing import Any

import pytest
from safetensors.torch import load_file

from conftest import Go

WORDS = ["debug=fast", "dataset.max_train=64", "freezing=full", "trainer.gradient_clip=0.5"]


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
