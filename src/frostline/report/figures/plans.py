"""What learned when: phases down, blocks across, read from plan.txt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.figures.figure import Figure, MissingFigure, arms_of, file_name
from frostline.report.read import artifacts as records

GAP = re.compile(r"\s{2,}")  # between the columns of plan.txt
KIND, MOST = "plan", 12
REST = "·"  # a block that learns nothing


@dataclass(frozen=True)
class PlanFigure(Figure):
    """cells: (phases, blocks), the multiplier of the learning rate as it is written: `1`, `·`, `*`, `solved`."""

    phases: Sequence[str]
    blocks: Sequence[str]
    cells: Sequence[Sequence[str]]


def plan_figures(study: Report) -> Iterator[PlanFigure | MissingFigure]:
    """One for each plan there is, however many arms have it."""
    by_plan: dict[str, dict[str, None]] = {}
    for arm in arms_of(study):
        for run in arm.runs:
            if text := records.read_plan(run):
                by_plan.setdefault(text, {})[arm.label] = None
    if not by_plan:
        yield MissingFigure(KIND, "no run has a plan.txt")
    for at, (text, labels) in enumerate(list(by_plan.items())[:MOST], 1):
        read = parse_plan(text)
        title = f"plan of {'; '.join(labels)}"
        yield (
            _map(title, file_name(KIND, str(at), *list(labels)[:1]), *read)
            if read
            else MissingFigure(title, "no table")
        )
    if (more := len(by_plan) - MOST) > 0:
        yield MissingFigure(KIND, f"{more} more plans than {MOST}; ask for fewer rows")


def _map(
    title: str, name: str, phases: Sequence[str], blocks: Sequence[str], cells: Sequence[Sequence[str]]
) -> PlanFigure:
    told = []
    for phase, row in zip(phases, cells, strict=True):
        learn = [block for block, cell in zip(blocks, row, strict=True) if cell != REST]
        told.append(f"{phase}: {', '.join(learn) or 'nothing'} learns")
    return PlanFigure(name, title, f"{'; '.join(told)}.", phases, blocks, cells)


def parse_plan(text: str) -> tuple[list[str], list[str], list[list[str]]] | None:
    """Phases with their epochs, blocks, and cells of a plan.txt; None where it is no such table."""
    rows = [GAP.split(line.strip()) for line in text.splitlines()]
    head = rows[0] if rows else []
    if head[:2] != ["phase", "epochs"] or head[-2:] != ["trainable", "frost line"] or len(head) < 5:
        return None
    body = [row for row in rows[1:] if len(row) == len(head)]
    phases = [row[0] if row[1] == "-" else f"{row[0]}, {row[1]}" for row in body]
    return (phases, head[2:-2], [row[2:-2] for row in body]) if body else None
