from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frostline.errors import Problem, UserError, did_you_mean
from frostline.freezing.plan import Block, Phase

FIELDS = ("name", "epochs", "restart", "rules")


def rules(blocks: Sequence[Block], phases: list[Any] | None = None, file: str | None = None) -> tuple[Phase, ...]:
    """Use a plan written by hand: phases of ordered rules, as `frostline plan --write FILE` writes them.

    phases: each ``{name, epochs, restart, rules: [[glob, multiplier or null], ...]}``. The config reads them from
    `file`, so that a run's id depends on the rules and not on the file's name.

    Raises:
        UserError: no phases, or a phase that is not of this form.
    """
    if not phases:
        raise UserError(Problem("freezing.phases", "there are none", "give freezing.file=FILE or list them"))
    problems = [p for i, phase in enumerate(phases) for p in _phase_problems(f"freezing.phases.{i}", phase)]
    if problems:
        raise UserError(problems)
    return tuple(_phase(i, phase) for i, phase in enumerate(phases))


def _phase(index: int, phase: Mapping[str, Any]) -> Phase:
    pairs = tuple((str(pattern), None if factor is None else float(factor)) for pattern, factor in phase["rules"])
    return Phase(str(phase.get("name", index)), pairs, phase.get("epochs"), bool(phase.get("restart", False)))


def _phase_problems(key: str, phase: Any) -> list[Problem]:
    if not isinstance(phase, Mapping):
        return [Problem(key, f"{phase!r} is not a phase", "write {name, epochs, rules}")]
    problems = [
        Problem(f"{key}.{k}", "a phase has no such field", did_you_mean(str(k), FIELDS))
        for k in phase
        if k not in FIELDS
    ]
    restart = phase.get("restart", False)
    if not isinstance(restart, bool):
        problems.append(Problem(f"{key}.restart", f"{restart!r} is neither true nor false", "give one of them"))
    epochs = phase.get("epochs")
    if epochs is not None and (isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1):
        problems.append(Problem(f"{key}.epochs", f"{epochs!r} is not a length", "give an integer from 1, or null"))
    rows = phase.get("rules")
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
        return [*problems, Problem(f"{key}.rules", "there are none", "give a list of [glob, multiplier or null]")]
    return problems + [
        Problem(f"{key}.rules", f"{row!r} is not a rule", "write [glob, multiplier or null]")
        for row in rows
        if not _is_rule(row)
    ]


def _is_rule(row: Any) -> bool:
    if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != 2:
        return False
    number = isinstance(row[1], int | float) and not isinstance(row[1], bool)
    return isinstance(row[0], str) and (row[1] is None or number)
