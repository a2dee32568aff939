"""Where blocks stand and what their parameters are, told by kind and name alone: what strategies choose by.

A **tier** is what learns at one rate, or thaws at one time: the head with its pooler, the top layer with what stands
between it and the pooler, each lower layer, the embeddings. Both ways of counting from the top, gradual unfreezing and
layer-wise rates, count tiers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from frostline.freezing.plan import Block, Plan, Rule

NORM = re.compile(r".*norm\d*|ln(\d+|f|_\w+)?", re.IGNORECASE)  # LayerNorm, attn_norm, norm1, input_layernorm, ln_f
BIAS = re.compile(r"(.*_)?bias")  # bias, in_proj_bias; relative_attention_bias.weight is a table


def learnable(blocks: Sequence[Block]) -> list[Block]:
    """Blocks as a strategy sees them: with what may learn in them.

    Beside an adapter the encoder's own parameters never do, and a block has in their place those of its adapter.
    """
    if not any(block.kind == "adapter" for block in blocks):
        return list(blocks)
    found: list[Block] = []
    for block in blocks:
        if block.kind == "adapter":
            found[-1] = replace(found[-1], parameters=block.parameters)
        else:
            found.append(replace(block, parameters=()) if block in _encoder([block]) else block)
    return found


def layers(blocks: Sequence[Block]) -> list[Block]:
    return [block for block in blocks if block.kind == "layer"]


def globs(blocks: Iterable[Block]) -> list[str]:
    """One pattern a block, none for a block that has no parameters."""
    return [f"{block.name}.*" for block in blocks if block.parameters]


def above(blocks: Sequence[Block]) -> list[str]:
    """One pattern for each of pooler and head, as far as they have parameters: what learns above a frozen encoder."""
    return globs(block for block in blocks if block.kind in ("pooler", "head"))


def learning(patterns: Iterable[str], rate: float = 1.0) -> tuple[Rule, ...]:
    """Rules by which these learn and all else is frozen."""
    return (*((pattern, rate) for pattern in patterns), ("*", None))


def tiers(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks that have parameters by their distance from the top; the first is the head's, even if it has none."""
    found = layers(blocks)
    distance = {block.name: len(found) - i for i, block in enumerate(found)}
    beside = {"final": 1, "embeddings": len(found) + 1}
    every: list[list[Block]] = [[] for _ in range(len(found) + 2)]
    for block in blocks:
        if block.parameters:
            every[distance.get(block.name, beside.get(block.kind, 0))].append(block)
    return [every[0], *filter(None, every[1:])]


def decayed(plan: Plan, decay: float) -> Plan:
    """The plan with each multiplier times decay ** distance from the top (arXiv:2006.05987; the head keeps its own)."""
    found = tiers(learnable(plan.blocks))
    factor = {p.name: decay**i for i, tier in enumerate(found) for b in tier for p in b.parameters}
    phases = [
        replace(phase, multipliers={n: None if m is None else m * factor[n] for n, m in phase.multipliers.items()})
        for phase in plan.phases
    ]
    return replace(plan, phases=tuple(phases))


def norms(blocks: Sequence[Block]) -> list[str]:
    """The encoder's norm parameters, by name.

    A final norm that stands alone has lost its own name in the plan (``encoder.final.weight``): it is known by having
    the size of another norm, which no matrix has.
    """
    named = [p for block in _encoder(blocks) for p in block.parameters if _is_norm(p.name)]
    sizes = {p.size for p in named}
    bare = [p for b in blocks if b.kind == "final" for p in b.parameters if _bare(p.name, b.name) and p.size in sizes]
    return [p.name for p in (*named, *bare)]


def biases(blocks: Sequence[Block]) -> list[str]:
    """The encoder's bias parameters, by name; those of its norms are among them."""
    every = [p.name for block in _encoder(blocks) for p in block.parameters]
    return [name for name in every if BIAS.fullmatch(name.rpartition(".")[2])]


def _encoder(blocks: Sequence[Block]) -> list[Block]:
    return [block for block in blocks if block.kind in ("embeddings", "layer", "final")]


def _is_norm(name: str) -> bool:
    return NORM.fullmatch(name.split(".")[-2]) is not None


def _bare(name: str, block: str) -> bool:
    return name.rpartition(".")[0] == block
