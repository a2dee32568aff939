"""From a checked config to its parts, without a Trainer: texts and model. Sizes flow forward once."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from frostline.chance import derive
from frostline.compose.making import make
from frostline.compose.settings import Texts
from frostline.data.prepare import prepare
from frostline.data.shifts import shift
from frostline.types import Config, Corpus, Shift

if TYPE_CHECKING:
    from torch import nn

    from frostline.blocks import ModuleBlock

READING = {field.name for field in fields(Texts)}


def load_corpus(dataset: Config) -> Corpus:
    """The data set, split and capped."""
    preparing = inspect.signature(prepare).parameters.keys() - {"raw"}
    source = {k: v for k, v in dataset.items() if k not in preparing and k not in READING}
    return prepare(make(source).load(), **{k: v for k, v in dataset.items() if k in preparing})


def load_shifts(dataset: Config, home: Corpus) -> dict[str, Shift]:
    """The test parts of other data sets by split name, each cut as it would be at home, capped like the home's."""
    found = {}
    for name, given in (dataset.get("shifted") or {}).items():
        other = load_corpus({**given, "max_test": dataset.get("max_test")})
        found[f"test_{name.replace('/', '_')}"] = shift(name, home, other)
    return found


def build_model(
    config: Config, classes: Sequence[str], weights: bool = True, **data: Any
) -> tuple[list[ModuleBlock], dict[str, nn.Module]]:
    """Encoder with its adapter, pooler and head, each drawn from its own source of chance, and their blocks.

    With `weights` off only shapes are read, which is all that a plan needs. data: what a head may ask for beside the
    classes, `multi_label` and how many `texts` train has.
    """
    import torch

    from frostline.blocks import find_blocks
    from frostline.hosts import adapt

    seed = config["seed"]
    torch.manual_seed(derive(seed, "encoder"))
    encoder = make(config["encoder"]) if weights else make(config["encoder"], weights=False)
    torch.manual_seed(derive(seed, "pooler"))
    pooler = make(config["pooler"], width=encoder.width, layers=_layers(encoder))
    torch.manual_seed(derive(seed, "head"))
    supplied = {"width": encoder.width, "classes": len(classes), "names": classes, "encoder": encoder}
    head = make(config["head"], **supplied, **data)
    parts = {"encoder": encoder, "pooler": pooler, "head": head}
    blocks = find_blocks(**parts)
    torch.manual_seed(derive(seed, "adapter"))
    adapter = make({key: value for key, value in config["adapter"].items() if key != "suits"})
    return adapt(adapter, encoder, blocks), parts


def _layers(encoder: nn.Module) -> int:
    """How many there are; an encoder of a user's own that does not say has those of its longest list of modules."""
    from frostline.stacks import layers_of

    told, found = getattr(encoder, "layers", None), layers_of(encoder)
    if isinstance(told, int):
        return told
    return 0 if found is None else len(found[1])
