"""The lengths of phases in epochs: default lengths are shortened for a short run, given ones are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from frostline.errors import Problem
from frostline.freezing.plan import Phase


def shorten_defaults(phases: Sequence[Phase], epochs: int) -> list[Phase]:
    """Return the phases of a run of `epochs` epochs, with default lengths as short as it needs.

    They are shortened in proportion, down to one epoch. If the run is still too short, phases that merge are merged
    into as many as have an epoch, or left out if none has.
    """
    fixed = sum(1 if phase.epochs is None else phase.epochs for phase in phases if not phase.shrinks)
    room = max(epochs - fixed, 0)
    if sum(phase.epochs or 0 for phase in phases if phase.shrinks) <= room:
        return list(phases)
    merged = _merge(phases, room)
    lengths = iter(_in_proportion([phase.epochs or 0 for phase in merged if phase.shrinks], room))
    return [replace(phase, epochs=next(lengths)) if phase.shrinks else phase for phase in merged]


def _merge(phases: Sequence[Phase], room: int) -> list[Phase]:
    """Merge phases until those with a default length have an epoch each, if possible."""
    neighbours = [phase for phase in phases if phase.merges]
    if not neighbours:
        return list(phases)
    count = min(max(room - sum(phase.shrinks and not phase.merges for phase in phases), 0), len(neighbours))
    ends = [i * len(neighbours) // count for i in range(count + 1)] if count else []
    merged = [_merged(neighbours[start:end]) for start, end in pairwise(ends)]
    first = phases.index(neighbours[0])
    return [*phases[:first], *merged, *phases[first + len(neighbours) :]]


def _merged(phases: Sequence[Phase]) -> Phase:
    """Return a phase that trains all that these train; the last rule of each freezes the rest."""
    first, last = phases[0], phases[-1]
    rules = [rule for phase in phases for rule in phase.rules[:-1]]
    name = first.name if first is last else f"{first.name} to {last.name}"
    return replace(first, name=name, rules=(*rules, last.rules[-1]), epochs=sum(phase.epochs or 0 for phase in phases))


def _in_proportion(lengths: Sequence[int], room: int) -> list[int]:
    """Return lengths of at least 1 whose sum is `room`, or their number if that is larger."""
    spare, total = max(room - len(lengths), 0), max(sum(lengths) - len(lengths), 1)
    ends = [sum(length - 1 for length in lengths[: i + 1]) * spare // total for i in range(len(lengths))]
    return [1 + end - start for start, end in zip([0, *ends], ends, strict=False)]


def phase_lengths(phases: Sequence[Phase], epochs: int) -> tuple[list[int], list[Problem]]:
    """Return the length of each phase, and a problem if they do not fill the run. Open ones share what is left."""
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
    for rank, i in enumerate(open_ended):
        lengths[i] = max(left, 0) // len(open_ended) + (rank < max(left, 0) % len(open_ended))
    return lengths, []
