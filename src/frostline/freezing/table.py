"""A plan as a table for people and as rules that can be edited and read back."""

from __future__ import annotations

from typing import Any

from frostline.freezing.plan import Block, Plan, PlannedPhase


def table(plan: Plan, solved: bool = False) -> str:
    """Phases down, blocks across: the multiplier of each block, `·` for frozen, `*` where parameters differ.

    An adapter stands beside its host: `0+` is that of layer 0. solved: the head is, not trained; where nothing learns
    no epoch is trained.
    """
    shown = [block for block in plan.blocks if block.parameters or (solved and block.kind == "head")]
    head = ["phase", "epochs", *(_short(block.name) for block in shown), "learn", "frost line"]
    rows = [head]
    for phase in plan.phases:
        cells = [_cell(block, phase) for block in shown]
        line = f"{phase.line} of {sum(block.kind != 'adapter' for block in plan.blocks)}"
        epochs = _epochs(phase) if plan.ever_learning else "-"
        rows.append([phase.name, epochs, *cells, f"{plan.learning(phase):,}", line])
    total = sum(p.size for p in plan.parameters)
    closing = f"{plan.ever_learning:,} of {total:,} parameters learn at some time"
    return "\n".join([*_align(rows), closing])


def rules(plan: Plan) -> list[dict[str, Any]]:
    """The plan as the `phases` of a rules file, one rule a block where its parameters agree.

    Adapters come first: the pattern of a host covers its adapter's names too.
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
    values = {phase.multipliers[p.name] for p in block.parameters}
    if len(values) == 1:
        return [[f"{block.name}.*", values.pop()]]
    return [[p.name, phase.multipliers[p.name]] for p in block.parameters]


def _cell(block: Block, phase: PlannedPhase) -> str:
    values = {phase.multipliers[p.name] for p in block.parameters}
    if not values:
        return "solved"
    if len(values) > 1:
        return "*"
    value = values.pop()
    return "·" if value is None else f"{value:.3g}"


def _epochs(phase: PlannedPhase) -> str:
    if phase.when is not None:
        return phase.when
    if phase.end == phase.start:
        return "-"
    return f"{phase.start + 1}-{phase.end}" if phase.end - phase.start > 1 else f"{phase.end}"


def _short(name: str) -> str:
    return name.removeprefix("encoder.").replace("embeddings", "emb").replace("layer.", "").replace(".adapter", "+")


def _align(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
