"""What the frost line saves is counted as the passes that a run would make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from frostline.freezing.savings import layer_passes, savings_line
from frostline.sweeps.time_estimate import plan_from_shapes

# On two layers; a backward pass through a layer is two forward passes.
COUNTED = {
    "freezing=full trainer.max_epochs=3": (3 * 6, 3 * 6, ""),
    "freezing=frozen trainer.max_epochs=5": (5 * 2, 2, "80%"),
    "freezing=top_k freezing.k=1 trainer.max_epochs=4": (4 * (2 + 2), 1 + 4 * 3, "19%"),
    "freezing=lp_ft freezing.probe_epochs=2 trainer.max_epochs=3": (2 * 2 + 6, 2 + 6, "20%"),
    "freezing=direct": (0, 0, ""),
    "freezing=frozen head=logistic": (0, 0, ""),
    "freezing=bitfit trainer.max_epochs=3": (3 * 6, 3 * 6, ""),
}


@pytest.mark.parametrize("words", COUNTED)
def test_passes_are_those_of_the_plan(job: Callable[..., Any], words: str) -> None:
    without, with_it, share = COUNTED[words]
    plan = plan_from_shapes(job(*words.split()).config)
    assert layer_passes(plan) == (without, with_it)
    assert savings_line(plan) == (f"the frost line saves up to {share} of all passes through layers" if share else "")


def test_where_training_decides_when_phases_begin_nothing_is_promised(job: Callable[..., Any]) -> None:
    assert savings_line(plan_from_shapes(job("freezing=plateau").config)) == ""
