"""A plan as a table, and as rules that can be edited and read back."""

from __future__ import annotations

from typing import Any

from frostline.freezing.plan import Block, Plan, PlannedPhase

MIXED = "*"  # the cell of a block whose parameters have different multipliers


def plan_table(plan: Plan, fitted_head: bool = False) -> str:
    """Return the plan as a table: phases down, blocks across, in each cell the multiplier of the learning rate.

    ``·`` is a frozen block, ``*`` one whose parameters have different multipliers. The adapter of layer 0 is ``0+``.

    fitted_head: the head is fitted in closed form and not trained by gradients.
    """
    blocks = [block for block in plan.blocks if block.parameters or (fitted_head and block.kind == "head")]
    rows = [["phase", "epochs", *(_column_title(block.name) for block in blocks), "trainable", "frost line"]]
    for phase in plan.phases:
        cells = [_multiplier(block, phase) for block in blocks]
        frost_line = f"{phase.frost_line} of {sum(block.kind != 'adapter' for block in plan.blocks)}"
        epochs = _epoch_span(phase) if plan.ever_trainable else "-"
        rows.append([phase.name, epochs, *cells, f"{plan.trainable(phase):,}", frost_line])
    total = sum(p.size for p in plan.parameters)
    lines = [*_aligned(rows), f"{plan.ever_trainable:,} of {total:,} parameters are trainable in at least one phase"]
    if any(cell == MIXED for row in rows[1:] for cell in row):
        lines.append(f"{MIXED} parameters of this block differ: some are frozen, or their multipliers are not the same")
    return "\n".join(lines)


def plan_rules(plan: Plan) -> list[dict[str, Any]]:
    """Return the plan as the `phases` of a rules file, with one rule for each block whose parameters agree.

    Adapters come first, because the pattern of a block also matches the names of its adapter.
    """
    blocks = sorted(plan.blocks, key=lambda block: block.kind != "adapter")
    return [
        {
            "name": phase.name,
            "epochs": phase.end - phase.start or None,  # a run of no epochs has phases of no length
            "restart": phase.restart,
            "rules": [rule for block in blocks for rule in _block_rules(block, phase)],
        }
        for phase in plan.phases
    ]


def _block_rules(block: Block, phase: PlannedPhase) -> list[list[str | float | None]]:
    multipliers = {phase.multipliers[p.name] for p in block.parameters}
    if len(multipliers) == 1:
        return [[f"{block.name}.*", multipliers.pop()]]
    return [[p.name, phase.multipliers[p.name]] for p in block.parameters]


def _multiplier(block: Block, phase: PlannedPhase) -> str:
    multipliers = {phase.multipliers[p.name] for p in block.parameters}
    if not multipliers:
        return "fitted"
    if len(multipliers) > 1:
        return MIXED
    multiplier = multipliers.pop()
    return "·" if multiplier is None else f"{multiplier:.3g}"


def _epoch_span(phase: PlannedPhase) -> str:
    if phase.when is not None:
        return phase.when
    if phase.end == phase.start:
        return "-"
    return f"{phase.start + 1}-{phase.end}" if phase.end - phase.start > 1 else f"{phase.end}"


def _column_title(name: str) -> str:
    return name.removeprefix("encoder.").replace("embeddings", "emb").replace("layer.", "").replace(".adapter", "+")


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
