from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import Problem, UserError, did_you_mean, wrong
from frostline.freezing.groups import globs, learning
from frostline.freezing.groups import norms as norms_of
from frostline.freezing.plan import Block, Phase, below


def surgical(
    blocks: Sequence[Block],
    first: int | str = 0,
    last: int | str | None = None,
    head: bool = True,
    norms: bool = False,
) -> tuple[Phase, ...]:
    """One span of blocks learns, from `first` to `last` (arXiv:2210.11466).

    The paper adapts a network that has solved the same task on other data, and freezes all but one block: the first
    for a shift of the input, a middle one for one of features, the head for one of labels. Its head knows the classes
    and is frozen with the rest; here the head is new, so that it learns by default, and a pooler's own parameters with
    it. `head: false` is the paper's case. What the paper calls the first block is in its code the first convolution
    and the first block: `freezing.first=embeddings freezing.last=0`. Its code keeps frozen batch norms in training
    mode; here what is frozen is in eval mode.

    first, last: a layer's number from 0 at the input side, or a block: embeddings, layer.3, final. last: null is first.
    norms: the norms of the frozen blocks learn too.

        $ frostline plan freezing=surgical
        phase     epochs  emb  0  1  head  learn    frost line
        surgical  1-4     ·    1  ·  1     198,659  1 of 5
        198,659 of 4,369,795 parameters learn at some time

    Raises:
        UserError: there is no such block, or `last` stands below `first`.
    """
    span = [block for block in blocks if block.kind in ("embeddings", "layer", "final") and block.parameters]
    given = {"first": first} if last is None else {"first": first, "last": last}
    places = {key: _place(span, block) for key, block in given.items()}
    problems = [_unknown(f"freezing.{key}", given[key], span) for key, place in places.items() if place is None]
    if problems:
        raise UserError(problems)
    low, *_, high = [place for place in places.values() if place is not None] * 2
    if high < low:
        do = "exchange them: blocks are counted from the input side"
        raise wrong("freezing.last", f"'{last}' stands below freezing.first '{first}'", do)
    beside = (below(blocks, "pooler", "head") if head else []) + (norms_of(blocks) if norms else [])
    return (Phase("surgical", learning([*globs(span[low : high + 1]), *beside])),)


def _place(span: Sequence[Block], given: int | str) -> int | None:
    names = [block.name for block in span]
    wanted = (str(given), f"encoder.{given}", f"encoder.layer.{given}")
    return next((names.index(name) for name in wanted if name in names), None)


def _unknown(key: str, given: int | str, span: Sequence[Block]) -> Problem:
    short = [block.name.removeprefix("encoder.") for block in span]
    last = sum(block.kind == "layer" for block in span) - 1
    beside = [name for name in short if not name.startswith("layer.")]
    do = f"give 0 to {last}" + "".join(f", or {name}" for name in beside)
    return Problem(key, f"there is no block '{given}'", did_you_mean(str(given), short, do))
