from __future__ import annotations

from collections.abc import Sequence

from frostline.freezing.groups import globs, learning, tiers
from frostline.freezing.plan import Block, Phase, below
from frostline.types import Count, Positive


def chain_thaw(
    blocks: Sequence[Block],
    epochs_per_thaw: Count = 1,
    thaw_embeddings: bool = True,
    next_rate: Positive = 0.1,
) -> tuple[Phase, ...]:
    """Chain-thaw of DeepMoji (arXiv:1708.00524): the head, then each layer alone from the first to the last, then all.

    As in the paper's own code the head learns at the base rate and all that follows at `next_rate` times it, each
    step with a new optimizer and a schedule of its own. There a step lasts until validation stops improving and gives
    on its best weights; here it lasts `epochs_per_thaw`, all together what is left of the run, and the best epoch is
    chosen at the end. The embeddings are the first layer. What stands above the top layer learns with it, but a
    pooler's own parameters are new and learn with the head. ALBERT's layers are one block.

        $ frostline plan freezing=chain_thaw trainer.max_epochs=6
        phase       epochs  emb  0    1    head  learn      frost line
        head        1       ·    ·    ·    1     387        4 of 5
        embeddings  2       0.1  ·    ·    ·     3,972,864  0 of 5
        layer.0     3       ·    0.1  ·    ·     198,272    1 of 5
        layer.1     4       ·    ·    0.1  ·     198,272    2 of 5
        all         5-6     0.1  0.1  0.1  0.1   4,369,795  0 of 5
        4,369,795 of 4,369,795 parameters learn at some time

    Raises:
        UserError: by `resolve`, where the run has fewer epochs than the phases need.
    """
    head, *upper = tiers(blocks)
    resting = [] if thaw_embeddings else below(blocks, "embeddings")
    phases = [Phase("head", learning(globs(head)), epochs_per_thaw)] if head else []  # some have no parameters
    for tier in reversed(upper):
        if not set(globs(tier)) <= set(resting):
            name = tier[0].name.removeprefix("encoder.")
            phases.append(Phase(name, learning(globs(tier), next_rate), epochs_per_thaw, restart=True))
    together = (*((pattern, None) for pattern in resting), ("*", next_rate))
    return (*phases, Phase("all", together, restart=True))
