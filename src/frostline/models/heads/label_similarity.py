from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from frostline.data.corpus import Text
from frostline.errors import Problem, UserError, did_you_mean
from frostline.models.numerics import cosine_similarities
from frostline.types import Count, Positive


class LabelSimilarity(nn.Module):
    """The cosine between the embedding of a text and that of the name of each class, over a temperature.

    The names, or descriptions instead of them, are embedded by the same encoder and pooler: freezing=direct gives
    zero-shot classification (arXiv:1909.00161 compares such classifiers). Any other strategy trains the embeddings of
    the classes from this initialisation. The temperature is that of SimCSE (arXiv:2104.08821).

    Raises:
        UserError: a class has no description, or a description is for an unknown class.
    """

    def __init__(
        self,
        width: Count,
        names: Sequence[str],
        descriptions: Mapping[str, str] | None = None,
        temperature: Positive = 0.05,
    ) -> None:
        super().__init__()
        _check_descriptions(names, descriptions)
        self.texts = list(names) if descriptions is None else [descriptions[name] for name in names]
        self.temperature = temperature
        self.weight = nn.Parameter(torch.randn(len(names), width) / width**0.5)

    @torch.no_grad()
    def init_from_class_names(self, embed: Callable[[Sequence[Text]], Tensor]) -> None:
        """Set the weights to the embeddings of the class names. embed: returns the embeddings (N, D) of texts."""
        self.weight.copy_(embed(self.texts))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits (B, C) of vectors (B, D)."""
        return cosine_similarities(vectors, self.weight) / self.temperature


def _check_descriptions(names: Sequence[str], descriptions: Mapping[str, str] | None) -> None:
    key, described = "head.descriptions", list(descriptions or {})
    unknown = [name for name in described if name not in names]
    problems = [Problem(key, f"there is no class '{name}'", did_you_mean(name, names)) for name in unknown]
    for name, text in (descriptions or {}).items():
        if not isinstance(text, str):
            problems.append(Problem(key, f"'{name}' is described by {text}, which is no text", "put it in quotes"))
    if descriptions is not None and (missing := [name for name in names if name not in described]):
        what = f"{len(missing)} of {len(names)} classes have none, the first of them '{missing[0]}'"
        problems.append(Problem(key, what, "describe every class, or give null for their names"))
    if problems:
        raise UserError(problems)
