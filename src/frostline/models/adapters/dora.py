from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from frostline.models.adapters.lora_targets import low_rank
from frostline.types import Count, Dropout, Positive, Targets


class Dora:
    """DoRA (arXiv:2402.09353): LoRA turns each row of a weight, and a magnitude of its own says how long it is.

    With V = W + alpha / r B A each row i of the weight is m_i V_i / |V_i|; m (out,) begins as the rows' lengths in W.
    As in the paper (its section 4.3) |V_i| passes no gradient on. Rank, alpha, dropout and target modules default to
    those of adapter=lora, so that the two compare; the paper's LLaMA has r=32, alpha=64, dropout 0.05 and also key,
    up and down projections.

    target_modules: names of linear layers, all-linear, or null for what is usual in the family.

        $ frostline plan adapter=dora freezing=lp_ft
        phase  epochs  emb  0  0+    1  1+    head  trainable  frost line
        probe  1-10    ·    ·  ·     ·  ·     1     387        4 of 5
        tune   11-13   ·    ·  0.05  ·  0.05  0.05  9,091      1 of 5
        9,091 of 4,378,499 parameters are trainable in at least one phase
        the frost line saves up to 47% of all passes through layers

    Raises:
        UserError: a target matches nothing.
    """

    location: str | None = "layers"

    def __init__(
        self, r: Count = 8, alpha: Positive = 8.0, dropout: Dropout = 0.0, target_modules: Targets = None
    ) -> None:
        self.r, self.alpha, self.dropout, self.target_modules = r, alpha, dropout, target_modules

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Put A, B and m into the encoder's layers."""
        low_rank(encoder, layers, self.target_modules, self.r, self.alpha, self.dropout, dora=True)
