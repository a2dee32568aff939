"""Plans, read from plan.txt: phases as rows, blocks as columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from frostline.report.build import Report
from frostline.report.figures.figure import Figure, MissingFigure, arms_of, file_name
from frostline.report.read import artifacts

GAP = re.compile(r"\s{2,}")  # between the columns of plan.txt
KIND, MAX_FIGURES = "plan", 12
FROZEN = "·"
LAST_COLUMNS = ["trainable", "frost line"]


@dataclass(frozen=True)
class PlanFigure(Figure):
    """cells: (phases, blocks), the multiplier of the learning rate as plan.txt has it: `1`, `·`, `*`, `fitted`."""

    phases: Sequence[str]
    blocks: Sequence[str]
    cells: Sequence[Sequence[str]]


def plan_figures(report: Report) -> Iterator[PlanFigure | MissingFigure]:
    """Yield one figure for each different plan, whichever arms have it."""
    labels_of: dict[str, dict[str, None]] = {}
    for arm in arms_of(report):
        for run in arm.runs:
            if text := artifacts.read_plan(run):
                labels_of.setdefault(text, {})[arm.label] = None
    if not labels_of:
        yield MissingFigure(KIND, "no run has a plan.txt")
    for at, (text, labels) in enumerate(list(labels_of.items())[:MAX_FIGURES], 1):
        plan = parse_plan(text)
        title = f"plan of {'; '.join(labels)}"
        name = file_name(KIND, str(at), *list(labels)[:1])
        yield _plan_figure(title, name, *plan) if plan else MissingFigure(title, "plan.txt is no table")
    if (more := len(labels_of) - MAX_FIGURES) > 0:
        yield MissingFigure(KIND, f"{more} more plans than {MAX_FIGURES}; select fewer rows")


def _plan_figure(
    title: str, name: str, phases: Sequence[str], blocks: Sequence[str], cells: Sequence[Sequence[str]]
) -> PlanFigure:
    sentences = []
    for phase, row in zip(phases, cells, strict=True):
        trained = [block for block, cell in zip(blocks, row, strict=True) if cell != FROZEN]
        sentences.append(f"{phase}: {', '.join(trained) or 'nothing'} is trained")
    return PlanFigure(name, title, f"{'; '.join(sentences)}.", phases, blocks, cells)


def parse_plan(text: str) -> tuple[list[str], list[str], list[list[str]]] | None:
    """Return the phases with their epochs, the blocks and the cells of a plan.txt; None if it is no such table."""
    rows = [GAP.split(line.strip()) for line in text.splitlines()]
    head = rows[0] if rows else []
    if head[:2] != ["phase", "epochs"] or head[-2:] != LAST_COLUMNS or len(head) < 5:
        return None
    body = [row for row in rows[1:] if len(row) == len(head)]
    phases = [row[0] if row[1] == "-" else f"{row[0]}, {row[1]}" for row in body]
    return (phases, head[2:-2], [row[2:-2] for row in body]) if body else None
