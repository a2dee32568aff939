from __future__ import annotations

from collections.abc import Sequence

from frostline.freezing.groups import pooler_and_head, train_only
from frostline.freezing.plan import Block, Phase
from frostline.types import Count, Positive

DEFAULT_EPOCHS = 10


def lp_ft(blocks: Sequence[Block], probe_epochs: Count | None = None, tune_rate: Positive = 0.05) -> tuple[Phase, ...]:
    """LP-FT (arXiv:2202.10054): linear probing first, then full fine-tuning that starts from the probed head.

    As in the paper, the second phase has a new optimizer, its own schedule and one learning rate for all parameters,
    here `tune_rate` times the base learning rate. probe_epochs: null is 10, or all but one in a run of at most 10
    epochs.

        $ frostline plan freezing=lp_ft
        phase  epochs  emb   0     1     head  trainable  frost line
        probe  1-10    ·     ·     ·     1     387        4 of 5
        tune   11-13   0.05  0.05  0.05  0.05  4,369,795  0 of 5
        4,369,795 of 4,369,795 parameters are trainable in at least one phase
        the frost line saves up to 47% of all passes through layers
    """
    length = DEFAULT_EPOCHS if probe_epochs is None else probe_epochs
    probe = Phase("probe", train_only(pooler_and_head(blocks)), epochs=length, shrinks=probe_epochs is None)
    return (probe, Phase("tune", (("*", tune_rate),), restart=True))
