from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from frostline.data.corpus import Text
from frostline.errors import Problem, UserError, did_you_mean
from frostline.models.numerics import cosines
from frostline.types import Count, Positive


class LabelSimilarity(nn.Module):
    """The cosine between a text's vector and that of each class's name, over a temperature.

    The names, or the descriptions given for them, go through the same encoder and pooler: with freezing=direct the
    encoder classifies without having seen a text of the task (arXiv:1909.00161 compares such classifiers). Under any
    other strategy the vectors of the classes learn from there. The temperature is SimCSE's (arXiv:2104.08821).

    Raises:
        UserError: a description for a class that there is not, or none for one that there is.
    """

    def __init__(
        self,
        width: Count,
        names: Sequence[str],
        descriptions: Mapping[str, str] | None = None,
        temperature: Positive = 0.05,
    ) -> None:
        super().__init__()
        _refuse(names, descriptions)
        self.texts = list(names) if descriptions is None else [descriptions[name] for name in names]
        self.temperature = temperature
        self.weight = nn.Parameter(torch.randn(len(names), width) / width**0.5)

    @torch.no_grad()
    def init_from_class_names(self, embed: Callable[[Sequence[Text]], Tensor]) -> None:
        """embed: texts -> their vectors (N, D), through encoder and pooler."""
        self.weight.copy_(embed(self.texts))

    def forward(self, vectors: Tensor) -> Tensor:
        """vectors (B, D) -> logits (B, C)."""
        return cosines(vectors, self.weight) / self.temperature


def _refuse(names: Sequence[str], descriptions: Mapping[str, str] | None) -> None:
    key, given = "head.descriptions", list(descriptions or {})
    found = [Problem(key, f"there is no class '{n}'", did_you_mean(n, names)) for n in given if n not in names]
    odd = [(name, told) for name, told in (descriptions or {}).items() if not isinstance(told, str)]
    found += [
        Problem(key, f"'{name}' is described by {told}, which is no text", "put it in quotes") for name, told in odd
    ]
    if descriptions is not None and (bare := [name for name in names if name not in given]):
        what = f"{len(bare)} of {len(names)} classes have none, the first of them '{bare[0]}'"
        found.append(Problem(key, what, "describe every class, or give null for their names"))
    if found:
        raise UserError(found)
