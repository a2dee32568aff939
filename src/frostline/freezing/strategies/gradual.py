from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from frostline.freezing.groups import layer_groups, patterns
from frostline.freezing.plan import Block, Phase, Rule
from frostline.types import Count, Range


def gradual(
    blocks: Sequence[Block],
    epochs_per_thaw: Count | None = None,
    thaw_embeddings: bool = True,
    factor: Annotated[float, Range(low=1)] | None = None,
) -> tuple[Phase, ...]:
    """Gradual unfreezing of ULMFiT (arXiv:1801.06146): train the head, then one more layer from the top at a time.

    Each phase lasts `epochs_per_thaw`; the last one, in which everything is trainable, lasts for the rest of the run.
    null is one epoch; a run with fewer epochs than phases thaws several layers at once.
    As in the paper's text, layers are thawed one by one; its code thaws the head, the last layer and then all the rest
    at once, and starts each phase with a new optimizer and schedule. Here one schedule covers all phases, as in the
    text, and the optimizer keeps its state. `factor: 2.6` adds the paper's discriminative learning rates: that of each
    layer is the next higher layer's divided by it. This is meant for the paper's four layers; of twelve, the lowest
    would hardly change. ALBERT's layers are one block and are thawed together.

        $ frostline plan freezing=gradual trainer.max_epochs=6
        phase       epochs  emb  0  1  head  trainable  frost line
        head        1       ·    ·  ·  1     387        4 of 5
        layer.1     2       ·    ·  1  1     198,659    2 of 5
        layer.0     3       ·    1  1  1     396,931    1 of 5
        embeddings  4-6     1    1  1  1     4,369,795  0 of 5
        4,369,795 of 4,369,795 parameters are trainable in at least one phase

    Raises:
        UserError: in `resolve_phases`, if the run has fewer epochs than the phases need.
    """
    length, by_default = epochs_per_thaw or 1, epochs_per_thaw is None
    groups = [group for group in layer_groups(blocks) if thaw_embeddings or not _has_embeddings(group)]
    rules: list[Rule] = []
    phases = []
    for distance, group in enumerate(groups):
        rules += [(pattern, 1.0 if factor is None else factor**-distance) for pattern in patterns(group)]
        if rules:  # some heads have no parameters
            name = "head" if distance == 0 else group[0].name.removeprefix("encoder.")
            merges = by_default and distance > 0
            phases.append(Phase(name, (*rules, ("*", None)), length, shrinks=by_default, merges=merges))
    *before, last = phases
    return (*before, Phase(last.name, last.rules))


def _has_embeddings(group: Sequence[Block]) -> bool:
    return any(block.kind == "embeddings" for block in group)
