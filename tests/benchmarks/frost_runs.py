"""Whole trainings with the frost line, without it, and by the Hugging Face Trainer.

    python tests/benchmarks/frost_runs.py frozen [ROUNDS]    # 10 epochs: an empty store, a full one, the Trainer
                                                             # (one epoch of its ten, which cost the same, times 10)
    python tests/benchmarks/frost_runs.py first [ROUNDS]     # the first epoch of top_k k=1 into an empty store
    python tests/benchmarks/frost_runs.py lp_ft [ROUNDS]     # or gradual: beside what counting operations predicts

minilm on vader_movies (lp_ft and gradual: 1,000 texts of it), batches of 32, float32, two threads; or as further words
KEY=VALUE say, such as trainer.accelerator=gpu dataset.batch_size=256.
"""

from __future__ import annotations

import sys
import tempfile

from timing import pairs, table
from whole import apart, frostline, hugging_face

from frostline.config.jobs import jobs_of_command
from frostline.freezing.frost_line import frozen_blocks
from frostline.training.build import build

ROUNDS, EPOCHS = 3, 10
SHARED = ["encoder=minilm", "dataset=vader_movies", *(word for word in sys.argv[1:] if "=" in word)]


def frozen(rounds: int) -> str:
    job = [*SHARED, "freezing=frozen", f"trainer.max_epochs={EPOCHS}"]
    seconds: dict[str, list[float]] = {name: [] for name in ("empty store", "full store", "random", "group_by_length")}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as store:
            for name in ("empty store", "full store"):
                seconds[name].append(apart(frostline, [*job, f"cache.dir={store}"]))
        for name in ("random", "group_by_length"):
            seconds[name].append(EPOCHS * apart(hugging_face, [*job, "trainer.max_epochs=1"], name))
    ratios = {
        f"Trainer, {order} / {store}": pairs(seconds[order], seconds[store])
        for order in ("random", "group_by_length")
        for store in ("empty store", "full store")
    }
    return f"{table(seconds, 'seconds')}\n\n{table(ratios, 'ratio')}"


def first(rounds: int) -> str:
    job = [*SHARED, "freezing=top_k", "freezing.k=1", "trainer.max_epochs=1"]
    return _with_and_without(job, ["cache.mode=on"], rounds)


def whole(strategy: str, rounds: int) -> str:
    job = [*SHARED, f"freezing={strategy}", "dataset.max_train=1000"]
    return f"{_with_and_without(job, [], rounds)}\n\ncounted ratio {counted(job):.2f}"


def _with_and_without(job: list[str], keeping: list[str], rounds: int) -> str:
    with_it, without = list[float](), list[float]()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as store:
            with_it.append(apart(frostline, [*job, *keeping, f"cache.dir={store}"]))
        without.append(apart(frostline, job, False))
    rows = {"with the frost line": with_it, "without": without}
    return f"{table(rows, 'seconds')}\n\n{table({'without / with': pairs(without, with_it)}, 'ratio')}"


def counted(overrides: list[str]) -> float:
    """Layers passed without the frost line over layers passed with it, a backward pass being two.

    With it, a phase reads all its texts once up to its line, and in each epoch from there; the texts that validate too.
    """
    [job] = jobs_of_command(["trainer=cpu", "logger=csv", *overrides])
    built = build(job.config)
    layers = sum(block.kind == "layer" for block in built.plan.blocks)
    train, val = (int(built.tokens[split].starts[-1]) for split in ("train", "val"))
    without = with_it = 0
    for phase in built.plan.phases:
        below = sum(block.kind == "layer" for block in frozen_blocks(built.plan, phase)[0])
        epochs, above = phase.end - phase.start, layers - below
        backward = 2 * above * train * epochs
        without += backward + layers * (train + val) * epochs
        with_it += backward + (below + above * epochs) * (train + val)
    return without / with_it


if __name__ == "__main__":
    what, *more = (word for word in sys.argv[1:] if "=" not in word)
    rounds = int(more[0]) if more else ROUNDS
    known = {"frozen": frozen, "first": first}
    print(known[what](rounds) if what in known else whole(what, rounds))
