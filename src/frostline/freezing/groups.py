"""Groups of blocks and of parameters that strategies choose by, found from the kind and name of a block alone.

A **layer group** is trained at one learning rate, or thawed at one time: the head with the pooler, the top layer with
the final norm, each lower layer, the embeddings. Gradual unfreezing and layer-wise learning rates both count layer
groups from the top.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from frostline.freezing.plan import Block, Plan, Rule

NORM = re.compile(r".*norm\d*|ln(\d+|f|_\w+)?", re.IGNORECASE)  # LayerNorm, attn_norm, norm1, input_layernorm, ln_f
BIAS = re.compile(r"(.*_)?bias")  # bias, in_proj_bias; relative_attention_bias.weight is a table


def trainable_blocks(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks with the parameters that a strategy may train.

    With an adapter, the parameters of the encoder itself are frozen: those of the adapter replace them in each block.
    """
    if not any(block.kind == "adapter" for block in blocks):
        return list(blocks)
    result: list[Block] = []
    for block in blocks:
        if block.kind == "adapter":
            result[-1] = replace(result[-1], parameters=block.parameters)
        else:
            result.append(replace(block, parameters=()) if block in _encoder_blocks([block]) else block)
    return result


def encoder_layers(blocks: Sequence[Block]) -> list[Block]:
    """Return the layers of the encoder, without embeddings and final norm."""
    return [block for block in blocks if block.kind == "layer"]


def patterns(blocks: Iterable[Block]) -> list[str]:
    """Return a glob over parameter names for each block that has parameters."""
    return [f"{block.name}.*" for block in blocks if block.parameters]


def pooler_and_head(blocks: Sequence[Block]) -> list[str]:
    """Return a glob for each of pooler and head that has parameters: what is trained above a frozen encoder."""
    return patterns(block for block in blocks if block.kind in ("pooler", "head"))


def train_only(names: Iterable[str], multiplier: float = 1.0) -> tuple[Rule, ...]:
    """Return rules that train the parameters of these names or globs, and freeze all others."""
    return (*((name, multiplier) for name in names), ("*", None))


def layer_groups(blocks: Sequence[Block]) -> list[list[Block]]:
    """Return the blocks that have parameters, grouped by their distance from the top.

    The first group is the head's, even if it is empty.
    """
    layers = encoder_layers(blocks)
    distance = {block.name: len(layers) - i for i, block in enumerate(layers)}
    other_kinds = {"final": 1, "embeddings": len(layers) + 1}
    groups: list[list[Block]] = [[] for _ in range(len(layers) + 2)]
    for block in blocks:
        if block.parameters:
            groups[distance.get(block.name, other_kinds.get(block.kind, 0))].append(block)
    return [groups[0], *filter(None, groups[1:])]


def with_layer_decay(plan: Plan, decay: float) -> Plan:
    """Return the plan with each multiplier times ``decay ** distance from the top`` (arXiv:2006.05987).

    The multiplier of the head does not change.
    """
    groups = layer_groups(trainable_blocks(plan.blocks))
    factor = {p.name: decay**i for i, group in enumerate(groups) for block in group for p in block.parameters}
    phases = [
        replace(phase, multipliers={n: None if m is None else m * factor[n] for n, m in phase.multipliers.items()})
        for phase in plan.phases
    ]
    return replace(plan, phases=tuple(phases))


def norm_parameters(blocks: Sequence[Block]) -> list[str]:
    """Return the names of the parameters of the encoder's norms.

    A final norm that is a separate block has lost its module's name in the plan (``encoder.final.weight``). It is
    recognised by its size, which is that of another norm and of no matrix.
    """
    named = [p for block in _encoder_blocks(blocks) for p in block.parameters if _has_norm_name(p.name)]
    sizes = {p.size for p in named}
    final = [block for block in blocks if block.kind == "final"]
    unnamed = [p for b in final for p in b.parameters if p.name.rpartition(".")[0] == b.name and p.size in sizes]
    return [p.name for p in (*named, *unnamed)]


def bias_parameters(blocks: Sequence[Block]) -> list[str]:
    """Return the names of the encoder's bias parameters, including those of its norms."""
    names = [p.name for block in _encoder_blocks(blocks) for p in block.parameters]
    return [name for name in names if BIAS.fullmatch(name.rpartition(".")[2])]


def _encoder_blocks(blocks: Sequence[Block]) -> list[Block]:
    return [block for block in blocks if block.kind in ("embeddings", "layer", "final")]


def _has_norm_name(name: str) -> bool:
    return NORM.fullmatch(name.split(".")[-2]) is not None
