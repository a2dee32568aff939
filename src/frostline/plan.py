"""The plan: which parameters learn, when, and how fast, as a value that is known before training starts.

A strategy turns block names into **phases**; `resolve` holds the phases against the parameters of a model and gives a
**plan**, in which every parameter has in each phase a learning-rate multiplier or None (frozen). Rules are ordered,
the first match wins, every parameter must be covered, and a rule that matches nothing is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Literal

from frostline.errors import Problem, UserError

Kind = Literal["embeddings", "layer", "adapter", "final", "pooler", "head"]
Rule = tuple[str, float | None]
Matched = dict[str, set[str]]  # pattern -> names


@dataclass(frozen=True)
class Parameter:
    """A tensor's name, such as ``encoder.layer.0.attention.self.query.weight``, and how many numbers it holds."""

    name: str
    size: int


@dataclass(frozen=True)
class Block:
    """A named part of the model. Blocks are listed input side first; a block may have no parameters.

    An adapter is a block of its own directly after the one that it stands in, its host.
    """

    name: str
    kind: Kind
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class Phase:
    """What a strategy says of one stretch of training.

    rules: (glob over parameter names, multiplier of the base rate or None = frozen), first match wins.
    epochs: its length; None shares what the other phases leave of the run.
    restart: the schedule starts again and the optimizer forgets its moments.
    """

    name: str
    rules: tuple[Rule, ...]
    epochs: int | None = None
    restart: bool = False


@dataclass(frozen=True)
class PlannedPhase:
    """A phase with its epochs [start, end) and the multiplier of every parameter.

    when: in words, where training decides when the phase begins; it may then be any of the run's epochs.
    """

    name: str
    start: int
    end: int
    multipliers: dict[str, float | None]
    line: int
    restart: bool
    when: str | None = None

    def learns(self, parameter: str) -> bool:
        return self.multipliers[parameter] is not None


@dataclass(frozen=True)
class Plan:
    """Phases over the blocks of one model, in order, without gaps."""

    blocks: tuple[Block, ...]
    phases: tuple[PlannedPhase, ...]

    @property
    def parameters(self) -> list[Parameter]:
        return [parameter for block in self.blocks for parameter in block.parameters]

    def learning(self, phase: PlannedPhase) -> int:
        """How many numbers learn in a phase."""
        return sum(p.size for p in self.parameters if phase.learns(p.name))

    def ever_learns(self, parameter: str) -> bool:
        return any(phase.learns(parameter) for phase in self.phases)

    @property
    def ever_learning(self) -> int:
        return sum(p.size for p in self.parameters if self.ever_learns(p.name))

    def index_at(self, epoch: int) -> int:
        """The index of the phase that `epoch` (from 0) belongs to; the last one afterwards."""
        for index, phase in enumerate(self.phases):
            if epoch < phase.end:
                return index
        return len(self.phases) - 1


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


def below(blocks: Sequence[Block], *kinds: Kind) -> list[str]:
    """Globs for the blocks of these kinds that have parameters."""
    return [f"{block.name}.*" for block in blocks if block.kind in kinds and block.parameters]
