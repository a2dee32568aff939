from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from frostline.models.adapters.lora_targets import inject_low_rank
from frostline.types import Count, Dropout, Positive, Targets


class Lora:
    """LoRA (arXiv:2106.09685): adds a low-rank product to each target layer, W x + alpha / r B A x.

    B (out, r) is initialised to zero, so that training begins from the pre-trained encoder; A (r, in) is sampled from
    the Kaiming uniform distribution, as in the code of the paper (its text names a Gaussian). The defaults are those of
    the paper for RoBERTa base: query and value, r = alpha = 8, no dropout.

    target_modules: names of linear layers such as [query, value], all-linear, or null for the usual ones of the family
    (from the list of peft; all linear layers for a family that is not in it). Only the layers of the encoder are
    searched.

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
    mergeable = True

    def __init__(
        self, r: Count = 8, alpha: Positive = 8.0, dropout: Dropout = 0.0, target_modules: Targets = None
    ) -> None:
        self.r, self.alpha, self.dropout, self.target_modules = r, alpha, dropout, target_modules

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Add A and B to the layers of the encoder."""
        inject_low_rank(encoder, layers, self.target_modules, self.r, self.alpha, self.dropout)
