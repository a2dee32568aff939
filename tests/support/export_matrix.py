"""Every combination of encoder family, pooler, head and adapter: exported with equal logits, or refused by name.

    python tests/support/export_matrix.py FORMAT [SHARE]

takes all combinations, or of SHARE `2/4` the second of four parts, and counts them. The loaded folders are compared by
`load_without_frostline`, which uses the library of the format alone.
"""

from __future__ import annotations

import itertools
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import transformers

import family_folders
from frostline.errors import UserError
from frostline.export.export import FORMATS, export_model
from load_without_frostline import LOADERS
from parts import choices
from trained_models import readable_texts, trained_model, write_expected

TOLERANCE = 1e-5
OTHER_ENCODERS = ("ViT", "FNet", "YOSO", "CANINE", "Reformer", "XLM", "FlauBERT", "Funnel", "ConvBERT", "Nyströmformer")
FAMILIES = [family for family in family_folders.FAMILIES if family not in OTHER_ENCODERS]


class Combination(NamedTuple):
    """A family of encoders with a choice of each other part, and whether a text can have several classes."""

    family: str
    pooler: str
    head: str
    adapter: str
    multi_label: bool


def everything(families: Sequence[str] = FAMILIES) -> list[Combination]:
    """Return all combinations."""
    groups = [choices(group) for group in ("pooler", "head", "adapter")]
    return [Combination(*one) for one in itertools.product(families, *groups, (False, True))]


def covering(seed: int = 1, families: Sequence[str] = FAMILIES) -> list[Combination]:
    """Return combinations that contain every pair of two choices at least once."""
    combinations = everything(families)
    wanted = {pair for one in combinations for pair in _pairs(one)}
    generator, chosen = random.Random(seed), list[Combination]()
    while wanted:
        best = max(generator.sample(combinations, 60), key=lambda one: len(wanted & set(_pairs(one))))
        if wanted & set(_pairs(best)):
            chosen.append(best)
            wanted -= set(_pairs(best))
        elif len(wanted) < 60:
            pair = min(wanted)
            chosen.append(next(one for one in combinations if pair in _pairs(one)))
            wanted -= set(_pairs(chosen[-1]))
    return chosen


def _pairs(one: Combination) -> list[tuple[tuple[int, object], tuple[int, object]]]:
    return list(itertools.combinations(enumerate(one), 2))


class Outcome(NamedTuple):
    """What became of a combination: impossible, refused, exported, or wrong, and why."""

    kind: str
    detail: str = ""


@cache
def checkpoint(root: Path, family: str) -> Path:
    """Return the folder of a family, saved once."""
    return family_folders.save(family, root / family.replace(" ", "-"))


def outcome(one: Combination, kind: str, root: Path) -> Outcome:
    """Export one combination in a format and compare the loaded folder with the model."""
    try:
        trained = trained_model(checkpoint(root, one.family), *one[1:])
    except UserError as error:  # such as prefix tuning of a family that ignores it
        return Outcome("impossible", str(error.problems[0]))
    before, target = sorted(root.iterdir()), root / f"out-{random.randrange(10**12)}"
    try:
        export_model(trained, target, kind)
    except UserError as error:
        left = [path for path in root.iterdir() if path not in before]
        return Outcome("wrong", f"left {left}") if left else Outcome("refused", str(error.problems[0]))
    expected = target.with_name(f"{target.name}.json")
    write_expected(expected, trained, readable_texts(trained), vectors=kind == "sentence-transformers")
    try:
        distance = max(LOADERS[kind](target, json.loads(expected.read_text())))
    finally:
        shutil.rmtree(target)
        expected.unlink()
    return Outcome("exported") if distance < TOLERANCE else Outcome("wrong", f"differs by {distance:.2g}")


def outcomes(combinations: Sequence[Combination], kind: str, root: Path) -> Iterator[tuple[Combination, Outcome]]:
    """Yield the outcome of each combination; an error that is no UserError is wrong."""
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    root.mkdir(exist_ok=True)
    for one in combinations:
        try:
            yield one, outcome(one, kind, root)
        except Exception as error:
            yield one, Outcome("wrong", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")


def main(kind: str, share: str = "1/1", which: str = "everything") -> None:
    assert kind in FORMATS
    part, parts = map(int, share.split("/"))
    combinations = {"everything": everything, "covering": covering}[which]()[part - 1 :: parts]
    began, counts, reasons = time.monotonic(), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for number, (one, found) in enumerate(outcomes(combinations, kind, Path(folder)), 1):
            counts[found.kind] += 1
            reasons[f"{found.kind}: {found.detail[:110]}"] += found.kind != "exported"
            if found.kind == "wrong" or "differ" in found.detail or number % 100 == 0:
                print(number, *one, *found, dict(counts), round(time.monotonic() - began), "s", flush=True)
    for reason, count in reasons.most_common():
        print(f"{count:6} {reason}")
    print(f"{kind}: {len(combinations)} combinations in {time.monotonic() - began:.0f} s: {dict(counts)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
