"""Random commands, checked and then trained: no job may fail after `check` has accepted it.

    python tests/support/random_commands.py [COUNT] [SEED]

The choices of all groups come from conf/, and the values from the types of their arguments, valid and invalid ones, so
that a new choice or key is included by itself. A run may fail only for what data or hardware alone show: a problem of
`dataset` or of the number of classes, or a loss that is not finite.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import traceback
import typing
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import matrix
from frostline.config import jobs as command
from frostline.config.checks.check import FIXED, SETTINGS, SUPPLIED
from frostline.config.checks.dataset import text_arguments
from frostline.config.checks.signature import Argument, read_signature
from frostline.errors import FrostlineError, UserError
from frostline.results.metric_names import SCORES
from frostline.training.run import run
from frostline.types import Range
from parts import choices

GROUPS = ("freezing", "adapter", "head", "pooler", "loss", "regularizer", "averaging", "optimizer", "scheduler")
USUAL = {
    "freezing": "full",
    "adapter": "none",
    "head": "linear",
    "pooler": "mean",
    "loss": "cross_entropy",
    "regularizer": "none",
    "averaging": "none",
    "optimizer": "adamw",
    "scheduler": "linear_warmup",
}
SMALL = ["dataset.batch_size=4", "dataset.max_length=16", "trainer.limit_batches=2", "trainer=cpu", "logger=csv"]
CAUSAL = ["encoder=hub", "encoder.name=causal", "encoder.objective=causal"]
DATA = {"few": "few.tsv", "several labels": "several.jsonl"}
LEFT_OUT = {  # keys whose values are files, mappings or costs
    "dataset": {"train", "val", "test", "shifts", "shifted", "max_length", "max_train", "text_column", "label_column"},
    "trainer": {"max_epochs", "checkpoint_seconds", "deterministic", "devices", "accelerator", "strategy"},
    "cache": {"dir", "max_bytes"},
    "freezing": {"recommended", "file", "phases"},
    "adapter": {"recommended"},
    "encoder": {"name", "pin", "revision", "objective"},
}
METRICS = [f"val/{name}" for name in (*SCORES, "f1/positive", "f1/los", "los", "mcc")] + ["test/loss", "loss"]
NUMBERS = [-1, 0, 0.05, 0.1, 0.5, 0.9, 1, 1.5, 2, 3, 4]
DATA_KEYS = ("dataset", "loss.class_weights", "head.k", "head.examples", "head.words", "head.descriptions")


def overrides(dice: random.Random) -> list[str]:
    """Return the overrides of a random command."""
    chosen = {group: _choice(dice, group) for group in GROUPS}
    encoder = CAUSAL if chosen["head"] == "likelihood" else [f"encoder={dice.choice(['bert_tiny'] * 3 + ['scratch'])}"]
    lines = [*encoder, "dataset=table", f"dataset.train={dice.choice(['few.tsv'] * 4 + ['several.jsonl'])}", *SMALL]
    lines += [f"{group}={name}" for group, name in chosen.items()]
    lines += [line for name in chosen.values() for line in matrix.NEEDS.get(name, [])]
    lines.append(f"trainer.max_epochs={dice.choice([0, 1, 1, 2, 2, 3, 5])}")
    if dice.random() < 0.1:
        lines = [line for line in lines if not line.startswith(("loss=", "head=", "freezing", "scheduler="))]
        lines += ["recipe=setfit", "encoder=bert_tiny"]
    keys = list(arguments(lines))
    for key, argument in dice.sample(keys, min(dice.choice([0, 0, 1, 1, 2, 3]), len(keys))):
        lines.append(f"++{key}={_yaml(_value(dice, key, argument))}")
    return lines


def _choice(dice: random.Random, group: str) -> str:
    return USUAL[group] if dice.random() < 0.6 else dice.choice(choices(group))


def arguments(lines: list[str]) -> Iterator[tuple[str, Argument]]:
    """Yield each key of the composed config with its type, except for those that are left out."""
    composer = command.default_composer()
    cfg = composer.compose(lines)
    assert cfg is not None, lines
    for group in (*SUPPLIED, *FIXED):
        if group in ("logger", "paths"):
            continue
        target = FIXED[group][0] if group in FIXED else str(cfg[group]["_target_"])
        known = dict(read_signature(target, group).parameters)
        known |= read_signature(SETTINGS[group], group).parameters if group in SETTINGS else {}
        known |= text_arguments() if group == "dataset" else {}
        skipped = LEFT_OUT.get(group, set()) | set(SUPPLIED.get(group, {}))
        yield from ((f"{group}.{name}", argument) for name, argument in known.items() if name not in skipped)
    yield "optimizer.lrr", Argument(float)  # a misspelt key


def _value(dice: random.Random, key: str, argument: Argument) -> Any:
    """Return a value, in most cases of the type of the argument."""
    if key.endswith(".monitor"):
        return dice.choice([*METRICS, None])
    if dice.random() < 0.15:
        return dice.choice([*NUMBERS, "moon", True, None, [1, 2]])
    return _typed(dice, argument.annotation)


def _typed(dice: random.Random, annotation: Any) -> Any:
    origin, members = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        limits = next((limit for limit in members[1:] if isinstance(limit, Range)), Range())
        allowed = [n for n in NUMBERS if limits.low <= n <= limits.high and (members[0] is float or n == int(n))]
        return members[0](dice.choice(allowed or NUMBERS))
    if origin is Literal:
        return dice.choice(members)
    if members and origin is not None and str(origin) in ("typing.Union", "<class 'types.UnionType'>"):
        return _typed(dice, dice.choice(members))
    simple = {bool: [True, False], int: [0, 1, 2, 3], float: [0.05, 0.5, 2.0], type(None): [None], str: ["moon"]}
    return dice.choice(simple.get(annotation, [None, [1.0, 2.0], ["query"]]))


def _yaml(value: Any) -> str:
    words = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    return f"[{','.join(map(_yaml, value))}]" if isinstance(value, list) else str(value)


def verdict(lines: list[str], number: int) -> str:
    """Return `refused`, `trained` or `data`, or what was wrong: why a job failed that had been accepted."""
    try:
        [job] = command.jobs_of_command([*lines, f"study=random{number}"])
    except UserError:
        return "refused"
    except Exception:
        return f"check failed: {' '.join(lines)}\n{traceback.format_exc(limit=-4)}"
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            run(job.config, job.choices, job.overrides, job.folder)
    except UserError as error:
        if all(problem.key.startswith(DATA_KEYS) or _names_data(problem.what) for problem in error.problems):
            return "data"
        return f"failed: {' '.join(lines)}\n{error}"
    except FrostlineError as error:
        return "data" if "lower optimizer.lr" in str(error) else f"failed: {' '.join(lines)}\n{error}"
    except Exception:
        return f"failed: {' '.join(lines)}\n{traceback.format_exc(limit=-6)}"
    return "trained"


def _names_data(what: str) -> bool:
    """Return whether a problem concerns what only the texts show: their classes, or how many each has."""
    return any(
        word in what
        for word in (
            "these have several",
            "these texts have several",
            "the data has",
            "texts of one class each have no",
        )
    )


def prepare(folder: Path) -> None:
    """Write the texts and the causal model that the commands name."""
    matrix.prepare(folder)
    rows = [line.split("\t") for line in (folder / "few.tsv").read_text().splitlines()[1:]]
    lines = [f'{{"text": "text {i} {label}", "label": {_tags(i, label)}}}' for i, (_, label) in enumerate(rows)]
    (folder / "several.jsonl").write_text("\n".join(lines))


def _tags(index: int, label: str) -> str:
    return f'["{label}", "long"]' if index % 2 else f'["{label}"]'


def outcomes(count: int, seed: int) -> Iterator[str]:
    """Yield the verdict on each of `count` random commands, in the present folder."""
    dice = random.Random(seed)
    for number in range(count):
        yield verdict(overrides(dice), number)


def main(count: str = "500", seed: str = "1") -> None:
    began, counts = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        prepare(Path(folder))
        for number, found in enumerate(outcomes(int(count), int(seed)), 1):
            right = found in ("refused", "trained", "data")
            counts[found if right else "wrong"] += 1
            if not right:
                print(found, "\n", flush=True)
            if number % 50 == 0:
                print(number, dict(counts), f"{time.monotonic() - began:.0f} s", flush=True)
    print(f"{count} commands in {time.monotonic() - began:.0f} s: {dict(counts)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
