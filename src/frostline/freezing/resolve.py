"""Resolution of a strategy's phases for the parameters of a model.

Rules are ordered and the first match applies. Every parameter must be covered by a rule, and a rule that matches no
parameter is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

from frostline.errors import Problem, UserError
from frostline.freezing.phase_lengths import phase_lengths, shorten_defaults
from frostline.freezing.plan import Block, Phase, Plan, PlannedPhase

Matches = dict[str, set[str]]  # pattern -> names of parameters


def resolve_phases(
    phases: Sequence[Phase], blocks: Sequence[Block], epochs: int, phase_start: Callable[[int], str] | None = None
) -> Plan:
    """Return the plan of a run of `epochs` epochs over the blocks of a model.

    With an adapter, the parameters of the encoder itself are frozen, even if a rule matches them together with others.

    phase_start: describes when phase i begins, for a strategy that decides this during training.

    Raises:
        UserError: with every rule that matches nothing, every parameter that no rule covers, every multiplier that is
            not a positive number, and lengths of phases that do not fit into the run.
    """
    always_frozen = _always_frozen(blocks)
    names = [p.name for block in blocks for p in block.parameters]
    if phase_start is None:
        phases = shorten_defaults(phases, epochs)
    matches = _match_patterns(phases, names)
    lengths, problems = phase_lengths(phases, epochs) if phase_start is None else ([epochs] * len(phases), [])
    for phase in phases:
        problems += _rule_problems(phase, names, always_frozen, matches)
        problems += _adapter_problems(phase, always_frozen, matches)
    if problems:
        raise UserError(problems)
    planned: list[PlannedPhase] = []
    start = 0
    for phase, length in zip(phases, lengths, strict=True):
        first_match = {name: value for pattern, value in reversed(phase.rules) for name in matches[pattern]}
        multipliers = {name: None if name in always_frozen else first_match[name] for name in names}
        line = _count_frozen(blocks, multipliers)
        when = None if phase_start is None else phase_start(len(planned))
        planned.append(PlannedPhase(phase.name, start, start + length, multipliers, line, phase.restart, when))
        start += length if when is None else 0
    return Plan(tuple(blocks), tuple(planned))


def _match_patterns(phases: Sequence[Phase], names: Sequence[str]) -> Matches:
    """Match each pattern once: phases repeat patterns, and deep models have many names."""
    compiled = {pattern: re.compile(translate(pattern)) for phase in phases for pattern, _ in phase.rules}
    return {pattern: {name for name in names if regex.match(name)} for pattern, regex in compiled.items()}


def _rule_problems(phase: Phase, names: Sequence[str], always_frozen: set[str], matches: Matches) -> list[Problem]:
    key, problems = f"freezing.phases.{phase.name}", []
    for pattern, multiplier in phase.rules:
        if multiplier is not None and not 0 < multiplier < float("inf"):
            do = "give a number above 0, or null to freeze"
            problems.append(Problem(key, f"'{pattern}' has the multiplier {multiplier}", do))
        if not matches[pattern]:
            do = f"names look like '{names[0]}' and '{names[-1]}'"
            problems.append(Problem("freezing.rules", f"'{pattern}' matches no parameter", do))
    covered = always_frozen.union(*(matches[pattern] for pattern, _ in phase.rules))
    uncovered = [name for name in names if name not in covered]
    if uncovered:
        what = f"no rule covers {len(uncovered)} parameters, the first of them '{uncovered[0]}'"
        problems.append(Problem(key, what, "end the rules with ['*', null] to freeze the rest"))
    return problems


def _always_frozen(blocks: Sequence[Block]) -> set[str]:
    """Return the names of the parameters of the encoder itself if it has an adapter, else an empty set."""
    if not any(block.kind == "adapter" for block in blocks):
        return set()
    return {p.name for b in blocks if b.kind in ("embeddings", "layer", "final") for p in b.parameters}


def _adapter_problems(phase: Phase, always_frozen: set[str], matches: Matches) -> list[Problem]:
    """Return the rules that would train only parameters of the encoder itself although it has an adapter."""
    problems = []
    for pattern, multiplier in phase.rules if always_frozen else ():
        if multiplier is not None and matches[pattern] and matches[pattern] <= always_frozen:
            what = f"'{pattern}' matches only parameters of the encoder itself, which are always frozen with an adapter"
            problems.append(Problem("freezing.rules", what, "give null for it, or choose adapter=none"))
    return problems


def _count_frozen(blocks: Sequence[Block], multipliers: dict[str, float | None]) -> int:
    """Return the number of lowest blocks that are frozen; an adapter belongs to its block and is not counted."""
    height = -1
    for block in blocks:
        height += block.kind != "adapter"
        if any(multipliers[p.name] is not None for p in block.parameters):
            return height
    return height + 1
