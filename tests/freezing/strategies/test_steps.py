"""Real steps of every strategy: what a paper says moves, and to where a loop in plain PyTorch moves it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from papers import SAID, Said, Where
from reference_loop import ByHand, assert_same, few_texts, watched

EPOCHS, LAYERS = 5, 2  # of bert_tiny
KINDS = ("full", "bitfit", "gradual", "chain_thaw", "lp_ft")  # one of each: all, some, thaws, restarts, other rates
FAST = [w for w in SAID if w.split()[0].partition("=")[2] in KINDS and not re.search(r"false|factor|decay", w)]
MOVING = [pytest.param(w, marks=[] if w in FAST else [pytest.mark.slow]) for w in SAID if w != "freezing=direct"]


def place(name: str) -> Where:
    """Where a name in the plan of a BERT stands."""
    words = name.split(".")
    part = "head" if words[0] == "head" else words[1]
    layer = int(words[2]) if part == "layer" else -1
    return Where(part, layer, LAYERS, "LayerNorm" in words, words[-1] == "bias")


class AsSaid(ByHand):
    """A model and its head that learn as a paper says."""

    def __init__(self, config: dict[str, Any], said: Said) -> None:
        super().__init__(config)
        self.said, self.restarts = said, said.restarts(LAYERS)

    def rates(self, epoch: int) -> dict[str, float]:
        rates = {name: self.said.rate(place(name), epoch) for name in self.named}
        return {name: rate for name, rate in rates.items() if rate is not None}


@pytest.mark.parametrize("words", MOVING)
def test_real_steps_move_what_the_paper_says_to_where_plain_pytorch_moves_it(job: Any, words: str) -> None:
    """In every epoch, and so after every phase: exactly what learns moves, the rest stays to the bit."""
    found = job(*words.split(), *few_texts(100), f"trainer.max_epochs={EPOCHS}")
    (seen, _), expected = watched(found), AsSaid(found.config, SAID[words]).course()
    assert len(seen) == len(expected) == EPOCHS + 1
    for epoch in range(EPOCHS):
        before, after = seen[epoch], seen[epoch + 1]
        moved = {name for name in before if not torch.equal(before[name], after[name])}
        assert moved == {name for name in before if SAID[words].rate(place(name), epoch) is not None}, f"epoch {epoch}"
        assert_same(after, expected[epoch + 1])
