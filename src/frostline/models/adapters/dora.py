from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from frostline.models.adapters.lora_targets import inject_low_rank
from frostline.types import Count, Dropout, Positive, Targets


class Dora:
    """DoRA (arXiv:2402.09353): LoRA for the direction of each row of a weight, and a trainable magnitude for its norm.

    With V = W + alpha / r B A, row i of the weight is m_i V_i / |V_i|; m (out,) is initialised to the norms of the rows
    of W. As in section 4.3 of the paper, no gradient flows through |V_i|. Rank, alpha, dropout and target modules
    default to those of adapter=lora, so that the two can be compared; for LLaMA the paper uses r=32, alpha=64,
    dropout 0.05 and also the key, up and down projections.

    target_modules: names of linear layers, all-linear, or null for the usual layers of the family.

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
    mergeable = True

    def __init__(
        self, r: Count = 8, alpha: Positive = 8.0, dropout: Dropout = 0.0, target_modules: Targets = None
    ) -> None:
        self.r, self.alpha, self.dropout, self.target_modules = r, alpha, dropout, target_modules

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Add A, B and m to the layers of the encoder."""
        inject_low_rank(encoder, layers, self.target_modules, self.r, self.alpha, self.dropout, dora=True)
