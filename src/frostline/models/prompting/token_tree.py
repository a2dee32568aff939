"""Words of several tokens that may follow one prompt, laid out to be read beside each other in a single pass.

Phrases that begin alike share their first tokens: the tokens that must be read stand in a tree, each sees the prompt
and what is above it. The last token of a phrase is only told, never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokenTree:
    """N tokens to be read after a prompt, and the S steps that tell phrases from the root (the prompt) and from them.

    ids, depths (N,): each token and how far it stands behind the prompt's end. sees (N, N): itself and what is above.
    told (S,): the token of each step, steps in order of where they are told from; counts (N + 1,): how many steps there
    are from the root and from each token. mean (S, P): 1 / length where a step is one of a phrase's. whole (S, P): 1
    where it is; none for a phrase that goes on from another's end, whose chance is a part of the other's.
    """

    ids: Tensor
    depths: Tensor
    sees: Tensor
    told: Tensor
    counts: list[int]
    mean: Tensor
    whole: Tensor


def tree(phrases: Sequence[Sequence[int]]) -> TokenTree:
    """phrases: P lists of token ids, none of them empty."""
    paths = sorted({tuple(phrase[:end]) for phrase in phrases for end in range(1, len(phrase))})
    sees = torch.tensor([[path[: len(above)] == above for above in paths] for path in paths], dtype=torch.bool)
    every = {tuple(phrase[:end]) for phrase in phrases for end in range(1, len(phrase) + 1)}
    steps = [step for path in [(), *paths] for step in sorted(every) if step[:-1] == path]
    mean = torch.zeros(len(steps), len(phrases))
    for column, phrase in enumerate(phrases):
        for row, step in enumerate(steps):
            mean[row, column] = float(tuple(phrase[: len(step)]) == step) / len(phrase)
    ends = {tuple(phrase) for phrase in phrases}
    apart = [not any(tuple(phrase[:end]) in ends for end in range(1, len(phrase))) for phrase in phrases]
    return TokenTree(
        ids=torch.tensor([path[-1] for path in paths], dtype=torch.long),
        depths=torch.tensor([len(path) - 1 for path in paths], dtype=torch.long),
        sees=sees.reshape(len(paths), len(paths)),
        told=torch.tensor([step[-1] for step in steps]),
        counts=[sum(step[:-1] == path for step in steps) for path in [(), *paths]],
        mean=mean,
        whole=(mean > 0).float()[:, torch.tensor(apart)],
    )
