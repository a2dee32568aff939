"""Seconds a step above the frost line, with the states below it read from the store and without.

    python tests/benchmarks/frost_steps.py minilm 1 [ROUNDS]     # encoder, k of top_k
    python tests/benchmarks/frost_steps.py minilm all [ROUNDS]   # every k: the heights of the page's picture

vader_movies, batches of 32, float32, two threads, or as further words KEY=VALUE say. The two take turns after each
step. `counted` is the ratio of operations: a layer's backward pass costs two of its forward passes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from contestants import Frostline
from segments import Batches, piece
from timing import pairs, table
from turns import race

from frostline.config.jobs import jobs_of_command
from frostline.data.batches import training_order
from frostline.training.build import build

STEPS, ROUNDS, WARMUP = 8, 7, 2  # steps a round; rounds; steps before the first
FEW, EVERY_K = 512, 1_000  # texts of train, where encoding all would take longer than all steps together
SHARED = ["dataset=vader_movies", "freezing=top_k", "trainer=cpu", "trainer.max_epochs=1", "logger=csv"]
SHARED += [word for word in sys.argv[1:] if "=" in word]
SHORT = ["dataset.max_val=32", "trainer.checkpoint_seconds=1000000"]


@dataclass
class Figures:
    """Seconds a step, round by round; layers that learn and layers there are."""

    kept: list[float]
    read: list[float]
    learn: int
    layers: int

    @property
    def counted(self) -> float:
        return (self.layers + 2 * self.learn) / (3 * self.learn)

    @property
    def ratios(self) -> list[float]:
        return pairs(self.read, self.kept)


def measure(encoder: str, k: int, rounds: int = ROUNDS, texts: int | None = None) -> Figures:
    few = [] if texts is None else [f"dataset.max_train={texts}"]
    with tempfile.TemporaryDirectory() as store:
        kept, read = (
            jobs_of_command(
                [
                    *SHARED,
                    *SHORT,
                    *few,
                    f"encoder={encoder}",
                    f"freezing.k={k}",
                    f"cache.mode={mode}",
                    f"cache.dir={store}",
                ]
            )[0]
            for mode in ("on", "off")
        )
        built = build(kept.config)
        batches = _batches(np.asarray(built.tokens["train"].lengths), kept.config["dataset"]["batch_size"], rounds)
        layers = sum(block.kind == "layer" for block in built.plan.blocks)
        del built
        found = race([Frostline(kept, batches), Frostline(read, batches)], len(batches))
    return Figures(*(_rounds(seconds, rounds) for seconds, _ in found), k, layers)


def _batches(lengths: np.ndarray, size: int, rounds: int) -> Batches:
    epoch = training_order(lengths.tolist(), size, 1, 0)
    return [b for i in range(rounds) for b in piece(epoch, lengths, STEPS, 0 if i else WARMUP, seed=i)]


def _rounds(seconds: list[float], rounds: int) -> list[float]:
    timed = seconds[-rounds * STEPS :]
    return [sum(timed[i : i + STEPS]) / STEPS for i in range(0, len(timed), STEPS)]


def report(encoder: str, figures: Figures) -> str:
    rows = {"from the store": figures.kept, "from tokens": figures.read, "ratio": figures.ratios}
    title = f"{encoder}, {figures.learn} of {figures.layers} layers learn; counted ratio {figures.counted:.2f}"
    return f"{title}\n\n{table(rows, 'seconds a step')}"


if __name__ == "__main__":
    encoder, which, *more = (word for word in sys.argv[1:] if "=" not in word)
    rounds = int(more[0]) if more else ROUNDS
    if which != "all":
        print(report(encoder, measure(encoder, int(which), rounds, FEW if encoder == "smollm2" else None)))
    else:
        every = [measure(encoder, k, rounds, EVERY_K) for k in range(1, 7)]
        print("\n\n".join(report(encoder, figures) for figures in every))
        Path("steps.json").write_text(json.dumps([vars(figures) | {"counted": figures.counted} for figures in every]))
