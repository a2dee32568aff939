from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from frostline.freezing.groups import globs, tiers
from frostline.freezing.plan import Block, Phase, Rule
from frostline.types import Count, Range


def gradual(
    blocks: Sequence[Block],
    epochs_per_thaw: Count = 1,
    thaw_embeddings: bool = True,
    factor: Annotated[float, Range(low=1)] | None = None,
) -> tuple[Phase, ...]:
    """Gradual unfreezing of ULMFiT (arXiv:1801.06146): the head, then one more layer from the top at a time.

    Each thaw lasts `epochs_per_thaw`; when all learn, they learn for what is left of the run. As in the paper's text
    layers thaw one by one; its code thaws the head, the last layer and then all the rest at once, and begins each phase
    with a new optimizer and a schedule of its own. Here one schedule runs over all phases, as its text has it, and the
    optimizer's state lives through every thaw. `factor: 2.6` adds its discriminative rates, each layer's the next
    higher one's divided by it: meant for its four layers, the lowest of twelve would stand still.
    ALBERT's layers are one block and thaw together.

        $ frostline plan freezing=gradual trainer.max_epochs=6
        phase       epochs  emb  0  1  head  learn      frost line
        head        1       ·    ·  ·  1     387        4 of 5
        layer.1     2       ·    ·  1  1     198,659    2 of 5
        layer.0     3       ·    1  1  1     396,931    1 of 5
        embeddings  4-6     1    1  1  1     4,369,795  0 of 5
        4,369,795 of 4,369,795 parameters learn at some time

    Raises:
        UserError: by `resolve`, where the run has fewer epochs than the phases need.
    """
    thawing = [tier for tier in tiers(blocks) if thaw_embeddings or not _has_embeddings(tier)]
    rules: list[Rule] = []
    phases = []
    for distance, tier in enumerate(thawing):
        rules += [(pattern, 1.0 if factor is None else factor**-distance) for pattern in globs(tier)]
        if rules:  # some heads have no parameters
            name = "head" if distance == 0 else tier[0].name.removeprefix("encoder.")
            phases.append(Phase(name, (*rules, ("*", None)), epochs_per_thaw))
    *before, last = phases
    return (*before, Phase(last.name, last.rules))


def _has_embeddings(tier: Sequence[Block]) -> bool:
    return any(block.kind == "embeddings" for block in tier)
