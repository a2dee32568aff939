"""Phases held against the parameters of a model.

Rules are ordered, the first match wins, every parameter must be covered, and a rule that matches nothing is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

from frostline.errors import Problem, UserError
from frostline.freezing.plan import Block, Phase, Plan, PlannedPhase

Matched = dict[str, set[str]]  # pattern -> names


def resolve(
    phases: Sequence[Phase], blocks: Sequence[Block], epochs: int, when: Callable[[int], str] | None = None
) -> Plan:
    """Hold phases against a model's blocks over a run of `epochs`; `when` tells of each where training decides.

    Beside an adapter the encoder's own parameters never learn, whatever the rules say that cover them with others.

    Raises:
        UserError: with every rule that matches nothing, every parameter that no rule covers, every bad multiplier,
            and lengths that do not fit into the run.
    """
    kept = _kept(blocks)
    names = [p.name for block in blocks for p in block.parameters]
    matched = _matched(phases, names)
    lengths, problems = _lengths(phases, epochs) if when is None else ([epochs] * len(phases), [])
    for phase in phases:
        problems += _rule_problems(phase, names, kept, matched) + _kept_problems(phase, kept, matched)
    if problems:
        raise UserError(problems)
    planned: list[PlannedPhase] = []
    start = 0
    for phase, length in zip(phases, lengths, strict=True):
        first = {name: value for pattern, value in reversed(phase.rules) for name in matched[pattern]}
        multipliers = {name: None if name in kept else first[name] for name in names}
        line = _frost_line(blocks, multipliers)
        told = None if when is None else when(len(planned))
        planned.append(PlannedPhase(phase.name, start, start + length, multipliers, line, phase.restart, told))
        start += length if when is None else 0
    return Plan(tuple(blocks), tuple(planned))


def _lengths(phases: Sequence[Phase], epochs: int) -> tuple[list[int], list[Problem]]:
    fixed = sum(phase.epochs or 0 for phase in phases)
    open_ended = [i for i, phase in enumerate(phases) if phase.epochs is None]
    left = epochs - fixed
    if not phases:
        return [], [Problem("freezing.phases", "there are none", "give at least one")]
    if left < len(open_ended) and epochs > 0:
        needed = fixed + len(open_ended)
        do = f"set trainer.max_epochs to {needed} or more, or shorten a phase"
        return [], [Problem("trainer.max_epochs", f"{epochs} epochs cannot hold phases that need {needed}", do)]
    if not open_ended and left > 0:
        do = "leave the length of one phase open (null), or set trainer.max_epochs to their sum"
        return [], [Problem("trainer.max_epochs", f"{epochs} epochs, but the phases fill {fixed}", do)]
    lengths = [0 if epochs == 0 else phase.epochs or 0 for phase in phases]
    for place, i in enumerate(open_ended):
        lengths[i] = max(left, 0) // len(open_ended) + (place < max(left, 0) % len(open_ended))
    return lengths, []


def _matched(phases: Sequence[Phase], names: Sequence[str]) -> Matched:
    """Each pattern once: phases repeat them, and deep models have many names."""
    patterns = {pattern: re.compile(translate(pattern)) for phase in phases for pattern, _ in phase.rules}
    return {pattern: {name for name in names if compiled.match(name)} for pattern, compiled in patterns.items()}


def _rule_problems(phase: Phase, names: Sequence[str], kept: set[str], matched: Matched) -> list[Problem]:
    key, problems = f"freezing.phases.{phase.name}", []
    for pattern, multiplier in phase.rules:
        if multiplier is not None and not 0 < multiplier < float("inf"):
            do = "give a number above 0, or null to freeze"
            problems.append(Problem(key, f"'{pattern}' has the multiplier {multiplier}", do))
        if not matched[pattern]:
            do = f"names look like '{names[0]}' and '{names[-1]}'"
            problems.append(Problem("freezing.rules", f"'{pattern}' matches no parameter", do))
    covered = kept.union(*(matched[pattern] for pattern, _ in phase.rules))
    bare = [name for name in names if name not in covered]
    if bare:
        what = f"no rule covers {len(bare)} parameters, the first of them '{bare[0]}'"
        problems.append(Problem(key, what, "end the rules with ['*', null] to freeze the rest"))
    return problems


def _kept(blocks: Sequence[Block]) -> set[str]:
    """The encoder's own parameters where it has an adapter, none where it has not."""
    if not any(block.kind == "adapter" for block in blocks):
        return set()
    return {p.name for b in blocks if b.kind in ("embeddings", "layer", "final") for p in b.parameters}


def _kept_problems(phase: Phase, kept: set[str], matched: Matched) -> list[Problem]:
    """Rules that would let the encoder's own parameters learn beside an adapter, and nothing else."""
    problems = []
    for pattern, multiplier in phase.rules if kept else ():
        if multiplier is not None and matched[pattern] and matched[pattern] <= kept:
            what = f"'{pattern}' is of the encoder alone, whose own parameters never learn beside an adapter"
            problems.append(Problem("freezing.rules", what, "give null for it, or choose adapter=none"))
    return problems


def _frost_line(blocks: Sequence[Block], multipliers: dict[str, float | None]) -> int:
    """The number of lowest blocks in which nothing learns; an adapter learns in its host, and is not counted."""
    height = -1
    for block in blocks:
        height += block.kind != "adapter"
        if any(multipliers[p.name] is not None for p in block.parameters):
            return height
    return height + 1
