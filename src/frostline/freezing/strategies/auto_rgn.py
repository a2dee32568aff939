from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from frostline.freezing.adaptive import AdaptivePlan, PhaseController
from frostline.freezing.groups import norm_parameters
from frostline.freezing.plan import Block, Phase, Rule
from frostline.types import Count, Positive

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-8  # a tensor whose norm is below it was initialised to zero


def auto_rgn(blocks: Sequence[Block], batches: Count = 5, norms: bool = False, least: Positive = 1e-6) -> AdaptivePlan:
    """Set learning rates by relative gradient norms, "Auto-RGN" of surgical fine-tuning (arXiv:2210.11466).

    At the start of each epoch the gradients of `batches` batches are computed without an optimizer step. The learning
    rate of each tensor is the base rate times its mean of ||g|| / ||p||, divided by the largest of these means. As in
    the paper's code, norms are not measured; here they are trained only with `norms`, at the base rate. Differences:
    the code starts each epoch with a new Adam, here the optimizer keeps its state; a tensor of zeros, such as a new
    bias, has no relative norm and gets the mean factor of the others; no factor is below `least`.

        $ frostline plan freezing=auto_rgn
        phase     epochs  emb  0  1  head  trainable  frost line
        auto-RGN  from 1  *    *  *  1     4,368,515  0 of 5
        4,368,515 of 4,369,795 parameters are trainable in at least one phase
        * parameters of this block differ: some are frozen, or their multipliers are not the same
    """
    unmeasured = norm_parameters(blocks)
    frozen: list[Rule] = [] if norms else [(name, None) for name in unmeasured]
    return AdaptivePlan((Phase("auto-RGN", (*frozen, ("*", 1.0))),), RelativeGradientNorms(batches, least, unmeasured))


class RelativeGradientNorms(PhaseController):
    """Measure in each epoch the factor on the learning rate of each tensor."""

    def __init__(self, batches: int, least: float, unmeasured: Sequence[str]) -> None:
        self.batches, self.least, self.unmeasured = batches, least, frozenset(unmeasured)

    def multiplier_factors(
        self, gradients: Sequence[Mapping[str, Tensor]], parameters: Mapping[str, Tensor]
    ) -> dict[str, float]:
        measured = {}
        for name in gradients[0].keys() - self.unmeasured:
            size = float(parameters[name].detach().double().norm())
            if size > EPSILON:
                measured[name] = math.fsum(float(g[name].double().norm()) for g in gradients) / len(gradients) / size
        largest = max(measured.values(), default=0.0)
        if not largest > 0:
            return {}
        factors = {name: max(value / largest, self.least) for name, value in measured.items()}
        mean = math.fsum(factors.values()) / len(factors)
        return {name: 1.0 if name in self.unmeasured else factors.get(name, mean) for name in gradients[0]}
