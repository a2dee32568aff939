"""Stratified choices that depend on the texts and one seed alone: not on row order, library versions or caps."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from frostline.console import log
from frostline.data.checks import some
from frostline.data.labels import counts, strata
from frostline.errors import user_error
from frostline.types import Label, Labelled, Text

WINDOW = 30  # groups looked at in one draw


def normalised(text: Text) -> str:
    """What two copies of a text share; comparison alone uses it, models see the text as it is."""
    if isinstance(text, str):
        return "".join(text.casefold().split())
    one, other = map(normalised, text)
    return f"{one}\n{other}" if one or other else ""


def take(part: Labelled, indices: Sequence[int]) -> Labelled:
    groups = part.groups
    return Labelled(
        [part.texts[i] for i in indices],
        [part.labels[i] for i in indices],
        None if groups is None else [groups[i] for i in indices],
    )


def joined(one: Labelled, other: Labelled) -> Labelled:
    """Both parts' rows; groups where both have them."""
    groups = None if one.groups is None or other.groups is None else [*one.groups, *other.groups]
    return Labelled([*one.texts, *other.texts], [*one.labels, *other.labels], groups)


def stratified_order(part: Labelled, seed: int | str) -> list[int]:
    """All indices, ordered so that every prefix has each label's share to within one text; prefixes are nested."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, stratum in enumerate(strata(part)):
        members[stratum].append(index)
    lots = [lot(text, seed) for text in part.texts]
    ranked = []
    for own in members.values():
        ranked += [((rank + 0.5) / len(own), lots[i], i) for rank, i in enumerate(_spread(own, part.labels, lots))]
    return [index for _, _, index in sorted(ranked)]


def _spread(stratum: list[int], labels: Sequence[Label], lots: list[str]) -> list[int]:
    """A stratum in drawn order; where its texts have several classes, each set of classes evenly over the order."""
    sets: dict[Label, list[int]] = defaultdict(list)
    for index in sorted(stratum, key=lots.__getitem__):
        sets[labels[index]].append(index)
    places = []
    for own in sets.values():
        start = int(lots[own[0]], 16) / 16 ** len(lots[own[0]]) if len(sets) > 1 else 0
        places += [((rank + start) / len(own), lots[index], index) for rank, index in enumerate(own)]
    return [index for _, _, index in sorted(places)]


def lot(text: Text, seed: int | str) -> str:
    """What a text draws: the same on every machine. Draws for another purpose name it beside their seed."""
    return hashlib.sha256(f"{seed}\n{normalised(text)}".encode(errors="surrogatepass")).hexdigest()


def cap(part: Labelled, limit: int | None, seed: int) -> Labelled:
    """At most ``limit`` texts; a larger limit keeps what a smaller one keeps."""
    if limit is None or limit >= len(part.texts):
        return part
    return take(part, sorted(stratified_order(part, seed)[:limit]))


def cut(
    part: Labelled, count: int, seed: int, name: str, leave: int = 1, without_rare: bool = False
) -> tuple[Labelled, Labelled]:
    """(rest, cut): about ``count`` texts go, every class stands on both sides, no group does.

    leave: how many texts of each class the rest must keep, for the cuts that follow.
    without_rare: a class too rare for both sides stays in the rest, which is said.
    """
    chosen = _some_texts(part, count, seed, leave) if part.groups is None else _some_groups(part, count, seed)
    rest = take(part, [i for i in range(len(part.texts)) if i not in chosen])
    gone = take(part, sorted(chosen))
    total, kept, taken = (counts(side.labels) for side in (part, rest, gone))
    if without_rare and (rare := sorted(total.keys() - taken.keys())):
        log(f"data: {name} has no text of {some(rare)}, which train has too few of")
    if lost := sorted(total.keys() - (kept.keys() if without_rare else kept.keys() & taken.keys())):
        what = f"no stratified cut leaves the label {lost[0]!r} ({total[lost[0]]} texts) on both sides"
        raise user_error(f"dataset.{name}_share", what, f"add texts of it or give dataset.{name} as its own part")
    return rest, gone


def _some_texts(part: Labelled, count: int, seed: int, leave: int) -> set[int]:
    order, strata_of = stratified_order(part, seed), strata(part)
    wanted = Counter(strata_of[i] for i in order[:count])
    members: dict[str, list[int]] = defaultdict(list)
    for index in order:
        members[strata_of[index]].append(index)
    return {i for label, own in members.items() for i in own[: min(max(wanted[label], 1), len(own) - leave)]}


def _some_groups(part: Labelled, count: int, seed: int) -> set[int]:
    """Groups in a drawn order; of the next few, the one that keeps the label shares nearest to the whole's."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(part.groups or ()):
        members[group].append(index)
    left = sorted(members, key=lambda group: (lot(group, seed), group))
    labels = strata(part)
    total, chosen = Counter(labels), set[int]()
    held: Counter[str] = Counter()
    while len(left) > 1 and len(chosen) < count:
        near = {group: held + Counter(labels[i] for i in members[group]) for group in left[:WINDOW]}
        best = min(near, key=lambda group: _distance(near[group], total))
        if near[best].total() - count > count - len(chosen):  # further beyond than it is short now
            break
        chosen.update(members[best])
        left.remove(best)
        held = near[best]
    return chosen


def _distance(held: Counter[str], total: Counter[str]) -> float:
    share = held.total() / total.total()
    return sum((share * own - held[label]) ** 2 for label, own in total.items())
