from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import wrong
from frostline.plan import Block, Phase, Rule, below
from frostline.types import Count


def top_k(blocks: Sequence[Block], k: Count = 1) -> tuple[Phase, ...]:
    """The k top blocks of the encoder learn with the head and all that lies between them (arXiv:1911.03090).

    Raises:
        UserError: the encoder has fewer than k blocks.
    """
    layers = [block for block in blocks if block.kind == "layer"]
    if k > len(layers):
        do = f"give 1 to {len(layers)}, or freezing=full to train the embeddings too"
        raise wrong("freezing.k", f"{k} blocks asked for, the encoder has {len(layers)}", do)
    top = [f"{block.name}.*" for block in layers[-k:]] + below(blocks, "final", "pooler", "head")
    learning: list[Rule] = [(pattern, 1.0) for pattern in top]
    return (Phase(f"top {k}", (*learning, ("*", None))),)
