from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import Problem, UserError, did_you_mean, user_error
from frostline.freezing.groups import norm_parameters, patterns, train_only
from frostline.freezing.plan import Block, Phase, patterns_of


def surgical(
    blocks: Sequence[Block],
    first: int | str = 0,
    last: int | str | None = None,
    head: bool = True,
    norms: bool = False,
) -> tuple[Phase, ...]:
    """Surgical fine-tuning (arXiv:2210.11466): train one span of blocks, from `first` to `last`.

    The paper adapts a network that was trained for the same task on other data, and freezes all but one block: it
    trains the first for a shift of the input, a middle one for a shift of features, the head for a shift of labels. Its
    head was trained on the same classes and is frozen with the rest. Here the head is new, so that it is trained by
    default, together with a pooler's own parameters; `head: false` is the paper's case. What the paper calls the first
    block is, in its code, the first convolution and the first block: `freezing.first=embeddings freezing.last=0`. Its
    code leaves frozen batch norms in training mode; here frozen blocks are in eval mode.

    first, last: the number of a layer, from 0 at the input side, or a block: embeddings, layer.3, final. last: null
        means the same as first.
    norms: the norms of the frozen blocks are trained too.

        $ frostline plan freezing=surgical
        phase     epochs  emb  0  1  head  trainable  frost line
        surgical  1-4     ·    1  ·  1     198,659    1 of 5
        198,659 of 4,369,795 parameters are trainable in at least one phase

    Raises:
        UserError: there is no such block, or `last` is below `first`.
    """
    span = [block for block in blocks if block.kind in ("embeddings", "layer", "final") and block.parameters]
    given = {"first": first} if last is None else {"first": first, "last": last}
    indices = {key: _block_index(span, block) for key, block in given.items()}
    problems = [_unknown_block(f"freezing.{key}", given[key], span) for key, index in indices.items() if index is None]
    if problems:
        raise UserError(problems)
    low, *_, high = [index for index in indices.values() if index is not None] * 2
    if high < low:
        do = "exchange them: blocks are counted from the input side"
        raise user_error("freezing.last", f"'{last}' is below freezing.first '{first}'", do)
    others = (patterns_of(blocks, "pooler", "head") if head else []) + (norm_parameters(blocks) if norms else [])
    return (Phase("surgical", train_only([*patterns(span[low : high + 1]), *others])),)


def _block_index(span: Sequence[Block], given: int | str) -> int | None:
    names = [block.name for block in span]
    wanted = (str(given), f"encoder.{given}", f"encoder.layer.{given}")
    return next((names.index(name) for name in wanted if name in names), None)


def _unknown_block(key: str, given: int | str, span: Sequence[Block]) -> Problem:
    short = [block.name.removeprefix("encoder.") for block in span]
    last = sum(block.kind == "layer" for block in span) - 1
    other_blocks = [name for name in short if not name.startswith("layer.")]
    do = f"give 0 to {last}" + "".join(f", or {name}" for name in other_blocks)
    return Problem(key, f"there is no block '{given}'", did_you_mean(str(given), short, do))
