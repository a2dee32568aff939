"""From a checked config to its parts, without a Trainer: texts, model, plan. Sizes flow forward once."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from frostline.adaptive import Adaptive, Decider
from frostline.chance import derive
from frostline.data.prepare import prepare
from frostline.data.shifts import shift
from frostline.plan import Block, Phase, Plan, resolve
from frostline.strata import decayed
from frostline.types import Config, Corpus, Shift

if TYPE_CHECKING:
    from torch import nn

    from frostline.blocks import ModuleBlock

READING = ("max_length", "batch_size", "shifts", "shifted")


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
    config: Config, classes: Sequence[str], weights: bool = True
) -> tuple[list[ModuleBlock], dict[str, nn.Module]]:
    """Encoder, pooler and head, each drawn from its own source of chance, and their blocks.

    With `weights` off only shapes are read, which is all that a plan needs.
    """
    import torch

    from frostline.blocks import find_blocks

    seed = config["seed"]
    torch.manual_seed(derive(seed, "encoder"))
    encoder = make(config["encoder"]) if weights else make(config["encoder"], weights=False)
    torch.manual_seed(derive(seed, "pooler"))
    pooler = make(config["pooler"], width=encoder.width)
    torch.manual_seed(derive(seed, "head"))
    head = make(config["head"], width=encoder.width, classes=len(classes), names=classes, encoder=encoder)
    parts = {"encoder": encoder, "pooler": pooler, "head": head}
    return find_blocks(**parts), parts


def plan_of(config: Config, blocks: list[ModuleBlock]) -> Plan:
    """The strategy's phases held against the model's blocks, and their rates decayed where `layer_decay` says so."""
    return course_of(config, blocks)[0]


def course_of(config: Config, blocks: list[ModuleBlock]) -> tuple[Plan, Decider | None]:
    """The plan and, where the strategy adapts, who decides when its phases begin."""
    return planned(config, [block.described for block in blocks])


def planned(config: Config, described: Sequence[Block]) -> tuple[Plan, Decider | None]:
    """The same from shapes alone, for which torch is not needed."""
    strategy = {k: v for k, v in config["freezing"].items() if k not in ("suits", "layer_decay")}
    found: tuple[Phase, ...] | Adaptive = make(strategy, blocks=described)
    phases, decider = (found.phases, found.decider) if isinstance(found, Adaptive) else (found, None)
    plan = resolve(phases, described, config["trainer"]["max_epochs"], decider.when if decider else None)
    decay = config["freezing"].get("layer_decay")
    return plan if decay is None else decayed(plan, decay), decider


def make(config: Config, **supplied: Any) -> Any:
    """Call what `_target_` names with the config's arguments and those of the supplied ones that it asks for."""
    target = locate(config["_target_"])
    asked = inspect.signature(target).parameters
    given = {k: v for k, v in config.items() if k != "_target_"}
    return target(**given, **{k: v for k, v in supplied.items() if k in asked})


def locate(target: str) -> Callable[..., Any]:
    """The class or function of a dotted name."""
    module, _, name = target.rpartition(".")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found
