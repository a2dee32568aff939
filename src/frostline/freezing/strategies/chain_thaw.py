from __future__ import annotations

from collections.abc import Sequence

from frostline.freezing.groups import layer_groups, patterns, train_only
from frostline.freezing.plan import Block, Phase, patterns_of
from frostline.types import Count, Positive


def chain_thaw(
    blocks: Sequence[Block],
    epochs_per_thaw: Count | None = None,
    thaw_embeddings: bool = True,
    next_rate: Positive = 0.1,
) -> tuple[Phase, ...]:
    """Chain-thaw of DeepMoji (arXiv:1708.00524): train the head, then each layer alone from the lowest up, then all.

    As in the paper's own code, the head is trained at the base learning rate and everything after it at `next_rate`
    times this rate, each phase with a new optimizer and its own schedule. In the paper a phase lasts until validation
    stops improving and passes its best weights on; here it lasts `epochs_per_thaw`, the phase of all layers lasts for
    the rest of the run, and the best epoch is chosen at the end. The embeddings are the first layer. A final norm is
    trained with the top layer; a pooler's parameters are new and are trained with the head. ALBERT's layers are one
    block. epochs_per_thaw: null is 1; a run with fewer epochs than phases trains several neighbouring layers at once.

        $ frostline plan freezing=chain_thaw trainer.max_epochs=6
        phase       epochs  emb  0    1    head  trainable  frost line
        head        1       ·    ·    ·    1     387        4 of 5
        embeddings  2       0.1  ·    ·    ·     3,972,864  0 of 5
        layer.0     3       ·    0.1  ·    ·     198,272    1 of 5
        layer.1     4       ·    ·    0.1  ·     198,272    2 of 5
        all         5-6     0.1  0.1  0.1  0.1   4,369,795  0 of 5
        4,369,795 of 4,369,795 parameters are trainable in at least one phase

    Raises:
        UserError: in `resolve_phases`, if the run has fewer epochs than the phases need.
    """
    length, by_default = epochs_per_thaw or 1, epochs_per_thaw is None
    head, *upper = layer_groups(blocks)
    frozen = [] if thaw_embeddings else patterns_of(blocks, "embeddings")
    phases = []
    if head:  # some heads have no parameters
        phases.append(Phase("head", train_only(patterns(head)), length, shrinks=by_default))
    for group in reversed(upper):
        if not set(patterns(group)) <= set(frozen):
            name = group[0].name.removeprefix("encoder.")
            rules = train_only(patterns(group), next_rate)
            phases.append(Phase(name, rules, length, restart=True, shrinks=by_default, merges=by_default))
    all_rules = (*((pattern, None) for pattern in frozen), ("*", next_rate))
    return (*phases, Phase("all", all_rules, restart=True))
