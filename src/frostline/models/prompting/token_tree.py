"""Verbalizers of several tokens that may follow one prompt, arranged as a tree to be read in a single pass.

Verbalizers with a common beginning share its tokens. Each token of the tree attends to the prompt and to its ancestors.
The last token of a verbalizer is only predicted, never read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokenTree:
    """N tokens to read after a prompt, and S predictions from the root (the end of the prompt) and from these tokens.

    ids, depths (N,): each token and its distance from the end of the prompt. tree_mask (N, N): each token and its
    ancestors. next_tokens (S,): the predicted tokens, ordered by the node that predicts them; counts (N + 1,): the
    number of predictions from the root and from each token. mean (S, P): 1 / length where a prediction belongs to a
    verbalizer. membership (S, P'): 1 where it does, without verbalizers that continue another one, whose probability
    is part of that of the other.
    """

    ids: Tensor
    depths: Tensor
    tree_mask: Tensor
    next_tokens: Tensor
    counts: list[int]
    mean: Tensor
    membership: Tensor


def build_token_tree(verbalizers: Sequence[Sequence[int]]) -> TokenTree:
    """Return the tree of P lists of token ids, none of them empty."""
    paths = sorted({tuple(ids[:end]) for ids in verbalizers for end in range(1, len(ids))})
    mask = torch.tensor([[path[: len(above)] == above for above in paths] for path in paths], dtype=torch.bool)
    prefixes = {tuple(ids[:end]) for ids in verbalizers for end in range(1, len(ids) + 1)}
    steps = [step for path in [(), *paths] for step in sorted(prefixes) if step[:-1] == path]
    mean = torch.zeros(len(steps), len(verbalizers))
    for column, ids in enumerate(verbalizers):
        for row, step in enumerate(steps):
            mean[row, column] = float(tuple(ids[: len(step)]) == step) / len(ids)
    complete = {tuple(ids) for ids in verbalizers}
    is_separate = [not any(tuple(ids[:end]) in complete for end in range(1, len(ids))) for ids in verbalizers]
    return TokenTree(
        ids=torch.tensor([path[-1] for path in paths], dtype=torch.long),
        depths=torch.tensor([len(path) - 1 for path in paths], dtype=torch.long),
        tree_mask=mask.reshape(len(paths), len(paths)),
        next_tokens=torch.tensor([step[-1] for step in steps]),
        counts=[sum(step[:-1] == path for step in steps) for path in [(), *paths]],
        mean=mean,
        membership=(mean > 0).float()[:, torch.tensor(is_separate)],
    )
