from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from frostline.freezing.adaptive import AdaptivePlan, PhaseController
from frostline.freezing.groups import norms as norms_of
from frostline.freezing.plan import Block, Phase, Rule
from frostline.types import Count, Positive

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-8  # a norm below it is that of a tensor which starts at zero


def auto_rgn(blocks: Sequence[Block], batches: Count = 5, norms: bool = False, least: Positive = 1e-6) -> AdaptivePlan:
    """Rates by relative gradient norms, "Auto-RGN" of surgical fine-tuning (arXiv:2210.11466).

    As each epoch begins, the gradients of `batches` batches are taken without a step. Each tensor's rate is the base
    rate times its mean of ||g|| / ||p||, divided by the largest of these. As in the paper's code norms are left out of
    the measure, and here learn only with `norms`, at the base rate. Departures: the code begins each epoch with a new
    Adam, here its state lives on; a tensor that is zero (a bias as it was initialised) has no relative norm and takes
    the mean factor of the others; no factor falls below `least`, since nothing that learns stands still.

        $ frostline plan freezing=auto_rgn
        phase     epochs  emb  0  1  head  learn      frost line
        auto-RGN  from 1  *    *  *  1     4,368,515  0 of 5
        4,368,515 of 4,369,795 parameters learn at some time
    """
    apart = norms_of(blocks)
    still: list[Rule] = [] if norms else [(name, None) for name in apart]
    return AdaptivePlan((Phase("auto-RGN", (*still, ("*", 1.0))),), RelativeGradientNorms(batches, least, apart))


class RelativeGradientNorms(PhaseController):
    """The factor on each tensor's rate, measured anew in each epoch."""

    def __init__(self, batches: int, least: float, apart: Sequence[str]) -> None:
        self.batches, self.least, self.apart = batches, least, frozenset(apart)

    def rates(self, gradients: Sequence[Mapping[str, Tensor]], parameters: Mapping[str, Tensor]) -> dict[str, float]:
        measured = {}
        for name in gradients[0].keys() - self.apart:
            size = float(parameters[name].detach().double().norm())
            if size > EPSILON:
                measured[name] = math.fsum(float(g[name].double().norm()) for g in gradients) / len(gradients) / size
        largest = max(measured.values(), default=0.0)
        if not largest > 0:
            return {}
        factors = {name: max(value / largest, self.least) for name, value in measured.items()}
        usual = math.fsum(factors.values()) / len(factors)
        return {name: 1.0 if name in self.apart else factors.get(name, usual) for name in gradients[0]}
