"""Savings of the frost line, counted in passes through layers before anything is trained."""

from __future__ import annotations

from frostline.freezing.frost_line import frozen_blocks
from frostline.freezing.plan import Plan

BACKWARD = 2  # cost of a layer's backward pass, in forward passes


def layer_passes(plan: Plan) -> tuple[int, int]:
    """Return how many passes through layers a training text needs during the plan, without and with the frost line.

    With it, a text is encoded up to the frost line of a phase once, and from there on in each epoch.
    """
    layers = sum(block.kind == "layer" for block in plan.blocks)
    without = with_line = 0
    for phase in plan.phases if plan.ever_trainable else ():
        frozen = sum(block.kind == "layer" for block in frozen_blocks(plan, phase)[0])
        epochs, trained = phase.end - phase.start, layers - frozen
        without += epochs * (layers + BACKWARD * trained)
        with_line += frozen * (epochs > 0) + epochs * (1 + BACKWARD) * trained
    return without, with_line


def savings_line(plan: Plan) -> str:
    """Describe the savings in one line; return '' where nothing is saved or the length of a phase is not known yet."""
    without, with_line = layer_passes(plan)
    if without == with_line or any(phase.when is not None for phase in plan.phases):
        return ""
    return f"the frost line saves up to {1 - with_line / without:.0%} of all passes through layers"
