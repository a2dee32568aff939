"""What the frost line saves, counted in passes through layers before anything has run."""

from __future__ import annotations

from frostline.freezing.frost_line import resting
from frostline.freezing.plan import Plan

BACKWARD = 2  # what a layer's backward pass costs, in forward passes


def passes(plan: Plan) -> tuple[int, int]:
    """Passes that a text of train makes through layers during the plan: without a frost line, and with it.

    With it, it is read up to the line of a phase once, and in each epoch from there on.
    """
    layers = sum(block.kind == "layer" for block in plan.blocks)
    without = with_it = 0
    for phase in plan.phases if plan.ever_learning else ():
        below = sum(block.kind == "layer" for block in resting(plan, phase)[0])
        epochs, above = phase.end - phase.start, layers - below
        without += epochs * (layers + BACKWARD * above)
        with_it += below * (epochs > 0) + epochs * (1 + BACKWARD) * above
    return without, with_it


def told(plan: Plan) -> str:
    """In a line; empty where nothing is saved, or nobody knows yet when phases begin."""
    without, with_it = passes(plan)
    if without == with_it or any(phase.when is not None for phase in plan.phases):
        return ""
    return f"the frost line saves up to {1 - with_it / without:.0%} of all passes through layers"
