"""From a checked config to its model, without a Trainer. Sizes flow forward once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from frostline.instantiate import make
from frostline.seeding import derive_seed
from frostline.types import Config

if TYPE_CHECKING:
    from torch import nn

    from frostline.models.blocks import ModuleBlock


@dataclass(frozen=True)
class AdapterSettings:
    """Keys of `adapter` that are arguments of no adapter."""

    recommended: dict[str, float] | None = None


ADAPTER_KEYS = {field.name for field in fields(AdapterSettings)}


def build_model(
    config: Config, classes: Sequence[str], weights: bool = True, **data: Any
) -> tuple[list[ModuleBlock], dict[str, nn.Module]]:
    """Encoder with its adapter, pooler and head, each drawn from its own source of chance, and their blocks.

    With `weights` off only shapes are read, which is all that a plan needs. data: what a head may ask for beside the
    classes, `multi_label` and how many `texts` train has.
    """
    import torch

    from frostline.models.adapters.attach import adapt
    from frostline.models.blocks import find_blocks

    seed = config["seed"]
    torch.manual_seed(derive_seed(seed, "encoder"))
    encoder = make(config["encoder"]) if weights else make(config["encoder"], weights=False)
    torch.manual_seed(derive_seed(seed, "pooler"))
    pooler = make(config["pooler"], width=encoder.width, layers=_layers(encoder))
    head = build_head(config, encoder, classes, **data)
    parts = {"encoder": encoder, "pooler": pooler, "head": head}
    blocks = find_blocks(**parts)
    torch.manual_seed(derive_seed(seed, "adapter"))
    adapter = make({key: value for key, value in config["adapter"].items() if key not in ADAPTER_KEYS})
    return adapt(adapter, encoder, blocks), parts


def build_head(config: Config, encoder: Any, classes: Sequence[str], **data: Any) -> nn.Module:
    """The head as the run's seed draws it."""
    import torch

    torch.manual_seed(derive_seed(config["seed"], "head"))
    supplied = {"width": encoder.width, "classes": len(classes), "names": classes, "encoder": encoder}
    head: nn.Module = make(config["head"], **supplied, **data)
    return head


def _layers(encoder: nn.Module) -> int:
    """How many there are; an encoder of a user's own that does not say has those of its longest list of modules."""
    from frostline.models.layers import layers_of

    told, found = getattr(encoder, "layers", None), layers_of(encoder)
    if isinstance(told, int):
        return told
    return 0 if found is None else len(found[1])
