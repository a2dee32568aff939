from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


class NoAdapter:
    """The encoder's own parameters learn, as the strategy says."""

    location: str | None = None

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Nothing is added."""
