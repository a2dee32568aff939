from __future__ import annotations

from torch import Tensor, nn

from frostline.types import Count, Dropout


class Linear(nn.Module):
    """Dropout and one linear layer: weights are sampled from N(0, 0.02), biases are zero, as in the heads of BERT."""

    def __init__(self, width: Count, classes: Count, dropout: Dropout = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(width, classes)
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits (B, C) of vectors (B, D)."""
        logits: Tensor = self.out(self.dropout(vectors))
        return logits
