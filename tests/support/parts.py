"""Every choice of a config group, found by itself: a part added to conf/ is held to its role's contract."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from frostline.config import jobs as command
from frostline.config import search_path as search
from frostline.freezing.build import plan_from_config
from frostline.freezing.plan import Plan
from frostline.instantiate import make
from frostline.models.blocks import ModuleBlock

SOLVED = [("head", name) for name in ("knn", "logistic", "prototype")]
NEEDS: dict[tuple[str, str], list[str]] = {  # the choice of another group that one does not go without
    **{choice: ["freezing=frozen"] for choice in SOLVED},
    ("loss", "contrastive"): ["head=logistic"],
    ("head", "likelihood"): ["encoder=smollm2"],
}


def choices(group: str, every: bool = False) -> list[str]:
    """The names in conf/<group>. Without `every` not `run`, a part of a run that must have been trained before."""
    found = sorted(file.stem for file in (search.conf_folder() / group).glob("*.yaml"))
    assert found, f"conf/{group} is empty"
    return [name for name in found if every or name != "run"]


@cache
def config(group: str, name: str, *overrides: str) -> dict[str, Any]:
    """The checked config of a part, as a run sees it."""
    [job] = command.jobs_of_command([f"{group}={name}", *NEEDS.get((group, name), []), *overrides])
    return {key: value for key, value in job.config[group].items() if key not in ("recommended", "layer_decay")}


def part(group: str, name: str, **supplied: Any) -> Any:
    """The part itself, made as a run makes it."""
    return make(config(group, name), **supplied)


def plan_of(config: dict[str, Any], blocks: Sequence[ModuleBlock]) -> Plan:
    """Return the plan of a config for the blocks of a model."""
    return plan_from_config(config, [block.plan_block for block in blocks])[0]
