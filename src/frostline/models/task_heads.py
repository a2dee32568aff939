"""One head for each task of a run, above the same encoder."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class TaskHeads(nn.Module):
    """Heads of several tasks. The logits of a text are those of its task; those of all other classes are excluded.

    A head whose task has no text in a batch has gradients of 0 there.

    heads: for each task, in the order of the classes. spans: the indices of the classes of each task.
    """

    task_of_class: Tensor

    def __init__(self, heads: Mapping[str, nn.Module], spans: Mapping[str, range]) -> None:
        super().__init__()
        self.spans = dict(spans)
        self.heads = nn.ModuleDict({name.replace(".", "_"): head for name, head in heads.items()})
        tasks = [task for task, span in enumerate(spans.values()) for _ in span]
        self.register_buffer("task_of_class", torch.tensor(tasks))

    def forward(self, vectors: Tensor, labels: Tensor) -> Tensor:
        """Return the logits (B, C) of vectors (B, D), for the C classes of all tasks.

        labels: (B,), of which only the task is used. The logits of classes of other tasks are the smallest number of
        their type, so that their probabilities and gradients are 0.
        """
        logits = torch.cat([head(vectors) for head in self.heads.values()], dim=1)
        others = self.task_of_class[labels][:, None] != self.task_of_class
        return logits.masked_fill(others, torch.finfo(logits.dtype).min)
