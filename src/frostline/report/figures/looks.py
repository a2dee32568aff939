"""How each arm is drawn, the same in all figures of a report: its colour is the arm, its marker the encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from frostline.report.grid import Grid, Key
from frostline.report.read.runs import Value

ENCODER = "encoder"
CONDITIONS = ("dataset", "experiment", "seed", "dataset.max_train", "dataset.shots")  # of an arm, not part of it
COLOUR_COUNT = 7  # of the palette; more arms repeat the colours with other markers

Pairs = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Look:
    """Indices of a colour, a marker, a line and a filling of markers."""

    colour: int = 0
    marker: int = 0
    line: int = 0
    filling: int = 0


DEFAULT_LOOK = Look()


def looks_of(grid: Grid) -> dict[tuple[Key, Key], Look]:
    """Return the look of each cell with runs.

    Keys such as the data set determine the line, and the filling where there is no line. If there is one encoder, the
    marker is that of the arm, and if all cells are of one condition, so is the line: for print without colour.
    """
    cells = [(row, col) for row in grid.rows for col in grid.cols if grid.cell(row, col)]
    pairs = {cell: grid.pairs(*cell) for cell in cells}
    arms = _indices(_select(pairs[cell], _is_of_arm) or tuple(pairs[cell]) for cell in cells)
    encoders = _indices(_select(pairs[cell], lambda key: key == ENCODER) for cell in cells)
    conditions = _indices(_select(pairs[cell], lambda key: key in CONDITIONS) for cell in cells)
    several_encoders, several_conditions = len(set(encoders)) > 1, len(set(conditions)) > 1
    looks = {}
    for cell, arm, encoder, condition in zip(cells, arms, encoders, conditions, strict=True):
        marker = encoder + (arm // COLOUR_COUNT) * len(set(encoders)) if several_encoders else arm
        line, filling = (condition, condition) if several_conditions else (arm, 0)
        looks[cell] = Look(arm, marker, line, filling)
    return looks


def _is_of_arm(key: str) -> bool:
    return key != ENCODER and key not in CONDITIONS


def _select(pairs: Sequence[tuple[str, Value]], accepts: Callable[[str], bool]) -> Pairs:
    return tuple(pair for pair in pairs if accepts(pair[0]))


def _indices(values: Iterable[Pairs]) -> list[int]:
    """Return the index of each value among the different ones, in their order."""
    known: dict[Pairs, int] = {}
    return [known.setdefault(value, len(known)) for value in values]
