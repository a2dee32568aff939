from __future__ import annotations

from torch import Tensor, nn

from frostline.types import Count, Dropout


class Mlp(nn.Module):
    """One hidden layer of `hidden` units (by default the width of the vectors) with GELU and dropout."""

    def __init__(self, width: Count, classes: Count, hidden: Count | None = None, dropout: Dropout = 0.1) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, hidden or width)
        self.activation = nn.GELU()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden or width, classes)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits (B, C) of vectors (B, D)."""
        logits: Tensor = self.out(self.dropout(self.activation(self.hidden(vectors))))
        return logits
