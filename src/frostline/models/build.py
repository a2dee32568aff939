"""Build the model of a checked config, without a Trainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from frostline.data.tasks import task_spans
from frostline.instantiate import make
from frostline.seeding import derive_seed
from frostline.types import Config

if TYPE_CHECKING:
    from torch import nn

    from frostline.models.blocks import ModuleBlock


@dataclass(frozen=True)
class AdapterSettings:
    """Keys of the `adapter` group that are not arguments of the adapter."""

    recommended: dict[str, float] | None = None


ADAPTER_KEYS = {field.name for field in fields(AdapterSettings)}


def build_model(
    config: Config, classes: Sequence[str], weights: bool = True, **data: Any
) -> tuple[list[ModuleBlock], dict[str, nn.Module]]:
    """Return the blocks and the parts: encoder with adapter, pooler and head, each initialised with a separate seed.

    Without `weights` the modules are on the meta device, which is enough for a plan. data: further arguments of heads,
    `multi_label` and the number of training `texts`.
    """
    import torch

    from frostline.models.adapters.attach import attach_adapter
    from frostline.models.adapters.none import NoAdapter
    from frostline.models.blocks import find_blocks

    seed = config["seed"]
    torch.manual_seed(derive_seed(seed, "encoder"))
    encoder = make(config["encoder"]) if weights else make(config["encoder"], weights=False)
    torch.manual_seed(derive_seed(seed, "pooler"))
    pooler = make(config["pooler"], width=encoder.width, layers=_num_layers(encoder))
    head = build_head(config, encoder, classes, **data)
    parts = {"encoder": encoder, "pooler": pooler, "head": head}
    blocks = find_blocks(**parts)
    torch.manual_seed(derive_seed(seed, "adapter"))
    adapter = make({key: value for key, value in config["adapter"].items() if key not in ADAPTER_KEYS})
    return blocks if type(adapter) is NoAdapter else attach_adapter(adapter, encoder, blocks), parts


def build_head(config: Config, encoder: Any, classes: Sequence[str], **data: Any) -> nn.Module:
    """Return the head, initialised with the seed of the run; of several tasks one head for each, in their order."""
    import torch

    from frostline.models.task_heads import TaskHeads

    torch.manual_seed(derive_seed(config["seed"], "head"))

    def make_head(names: Sequence[str]) -> Any:
        return make(config["head"], width=encoder.width, classes=len(names), names=names, encoder=encoder, **data)

    if not (spans := task_spans(config.get("dataset"), classes)):
        head: nn.Module = make_head(classes)
        return head
    return TaskHeads({name: make_head([classes[c] for c in span]) for name, span in spans.items()}, spans)


def _num_layers(encoder: Any) -> int:
    """Return `encoder.layers`, or the length of its longest list of modules for an encoder without the attribute."""
    from frostline.models.layers import layers_of

    count, stack = getattr(encoder, "layers", None), layers_of(encoder)
    if isinstance(count, int):
        return count
    return 0 if stack is None else len(stack[1])
