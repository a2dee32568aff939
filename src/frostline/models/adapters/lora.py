from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from frostline.models.adapters.lora_targets import low_rank
from frostline.types import Count, Dropout, Positive, Targets


class Lora:
    """LoRA (arXiv:2106.09685): beside each target a product of two narrow matrices, W x + alpha / r B A x.

    B (out, r) begins as zero, so that training begins from the pre-trained encoder; A (r, in) is drawn from Kaiming's
    uniform distribution, as in the paper's code, where its text says a Gaussian. The defaults are the paper's for
    RoBERTa base: query and value, r = alpha = 8, no dropout.

    target_modules: names of linear layers such as [query, value], all-linear, or null for what is usual in the family
    (by peft's list; all linear layers where it knows none). They are looked for in the encoder's layers alone.

        $ frostline plan adapter=lora freezing=lp_ft
        phase  epochs  emb  0  0+    1  1+    head  trainable  frost line
        probe  1-10    ·    ·  ·     ·  ·     1     387        4 of 5
        tune   11-13   ·    ·  0.05  ·  0.05  0.05  8,579      1 of 5
        8,579 of 4,377,987 parameters are trainable in at least one phase
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
        """Put A and B into the encoder's layers."""
        low_rank(encoder, layers, self.target_modules, self.r, self.alpha, self.dropout)
