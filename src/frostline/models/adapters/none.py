from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


class NoAdapter:
    """No adapter: the parameters of the encoder are trained as the freezing strategy defines."""

    location: str | None = None

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Leave the encoder unchanged."""
