from __future__ import annotations

from collections.abc import Sequence

from frostline.plan import Block, Phase


def frozen(blocks: Sequence[Block]) -> tuple[Phase, ...]:
    """Linear probing: the encoder stays as it was pre-trained, the head alone learns."""
    return (Phase("probe", (("head.*", 1.0), ("*", None))),)
