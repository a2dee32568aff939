"""Stratified splits that depend only on the texts and a seed: not on row order, library versions or caps."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from frostline.data.corpus import Label, Labelled, Text, counts, strata
from frostline.errors import user_error

WINDOW = 30  # groups compared before one is chosen


def normalised(text: Text) -> str:
    """Return a text without case and white space, for comparisons; models read the original text."""
    if isinstance(text, str):
        return "".join(text.casefold().split())
    first, second = map(normalised, text)
    return f"{first}\n{second}" if first or second else ""


def take(part: Labelled, indices: Sequence[int]) -> Labelled:
    """Return the texts at these indices, with their labels and groups."""
    groups, origins = part.groups, part.origins
    return Labelled(
        [part.texts[i] for i in indices],
        [part.labels[i] for i in indices],
        None if groups is None else [groups[i] for i in indices],
        None if origins is None else [origins[i] for i in indices],
    )


def joined(first: Labelled, second: Labelled) -> Labelled:
    """Return the rows of both parts, with groups and origins if both have them."""
    groups = None if first.groups is None or second.groups is None else [*first.groups, *second.groups]
    origins = None if first.origins is None or second.origins is None else [*first.origins, *second.origins]
    return Labelled([*first.texts, *second.texts], [*first.labels, *second.labels], groups, origins)


def stratified_order(part: Labelled, seed: int | str) -> list[int]:
    """Return all indices in an order in which every prefix has the share of each label, to within one text."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, stratum in enumerate(strata(part)):
        members[stratum].append(index)
    keys = [random_key(text, seed) for text in part.texts]
    ranked = []
    for indices in members.values():
        order = _within_stratum(indices, part.labels, keys)
        ranked += [((rank + 0.5) / len(indices), keys[i], i) for rank, i in enumerate(order)]
    return [index for _, _, index in sorted(ranked)]


def _within_stratum(stratum: list[int], labels: Sequence[Label], keys: list[str]) -> list[int]:
    """Return a stratum in random order; in multi-label data each set of classes is distributed evenly over it."""
    sets: dict[Label, list[int]] = defaultdict(list)
    for index in sorted(stratum, key=keys.__getitem__):
        sets[labels[index]].append(index)
    positions = []
    for indices in sets.values():
        start = int(keys[indices[0]], 16) / 16 ** len(keys[indices[0]]) if len(sets) > 1 else 0
        positions += [((rank + start) / len(indices), keys[index], index) for rank, index in enumerate(indices)]
    return [index for _, _, index in sorted(positions)]


def random_key(text: Text, seed: int | str) -> str:
    """Return a hash of a text and a seed, the same on every machine; other uses add their name to the seed."""
    return hashlib.sha256(f"{seed}\n{normalised(text)}".encode(errors="surrogatepass")).hexdigest()


def cap(part: Labelled, limit: int | None, seed: int) -> Labelled:
    """Return at most ``limit`` texts, stratified; the texts of a smaller limit are among those of a larger one."""
    if limit is None or limit >= len(part.texts):
        return part
    return take(part, sorted(stratified_order(part, seed)[:limit]))


def cut(
    part: Labelled, count: int, seed: int, name: str, leave: int = 1, without_rare: bool = False
) -> tuple[Labelled, Labelled]:
    """Return the rest and about ``count`` texts cut from the part; every class is on both sides, no group is split.

    leave: number of texts of each class that the rest must retain for later cuts.
    without_rare: a class that is too rare for both sides stays in the rest.
    """
    chosen = _choose_texts(part, count, seed, leave) if part.groups is None else _choose_groups(part, count, seed)
    rest = take(part, [i for i in range(len(part.texts)) if i not in chosen])
    taken = take(part, sorted(chosen))
    total, in_rest, in_taken = (counts(side.labels) for side in (part, rest, taken))
    if lost := sorted(total.keys() - (in_rest.keys() if without_rare else in_rest.keys() & in_taken.keys())):
        what = f"no stratified cut leaves the label {lost[0]!r} ({total[lost[0]]} texts) on both sides"
        raise user_error(f"dataset.{name}_share", what, f"add texts of it or give dataset.{name} as its own part")
    return rest, taken


def _choose_texts(part: Labelled, count: int, seed: int, leave: int) -> set[int]:
    order, strata_of = stratified_order(part, seed), strata(part)
    wanted = Counter(strata_of[i] for i in order[:count])
    members: dict[str, list[int]] = defaultdict(list)
    for index in order:
        members[strata_of[index]].append(index)
    return {
        i for label, indices in members.items() for i in indices[: min(max(wanted[label], 1), len(indices) - leave)]
    }


def _choose_groups(part: Labelled, count: int, seed: int) -> set[int]:
    """Choose groups in random order; of the next few, the one that keeps the label shares closest to the part's."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(part.groups or ()):
        members[group].append(index)
    left = sorted(members, key=lambda group: (random_key(group, seed), group))
    labels = strata(part)
    total, chosen = Counter(labels), set[int]()
    so_far: Counter[str] = Counter()
    while len(left) > 1 and len(chosen) < count:
        near = {group: so_far + Counter(labels[i] for i in members[group]) for group in left[:WINDOW]}
        best = min(near, key=lambda group: _distance(near[group], total))
        if near[best].total() - count > count - len(chosen):  # further beyond than it is short now
            break
        chosen.update(members[best])
        left.remove(best)
        so_far = near[best]
    return chosen


def _distance(chosen: Counter[str], total: Counter[str]) -> float:
    share = chosen.total() / total.total()
    return sum((share * count - chosen[label]) ** 2 for label, count in total.items())
