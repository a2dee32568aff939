"""Texts a second of full fine-tuning: Frostline, the Hugging Face Trainer, and a loop written by hand.

    python tests/benchmarks/throughput.py [ROUNDS]

minilm on vader_movies, batches of 32, float32, two threads. The three take turns after each step. Frostline's figure
bears its share of the resume points that neither of the others writes; validation and tokenising count for nobody.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from contestants import ByHand, Frostline, HuggingFace
from numpy.typing import NDArray
from segments import Batches, bucketed, padding, piece, shuffled
from timing import pairs, table
from turns import race

from frostline.config.jobs import jobs_of_command
from frostline.data.batches import training_order
from frostline.training.build import build

STEPS, ROUNDS, SIZE = 16, 7, 32  # steps a round; rounds; texts a step
WARMUP = 3
OVERRIDES = ["encoder=minilm", "dataset=vader_movies", "freezing=full", "trainer=cpu", "logger=csv"]
SHORT = ["trainer.max_epochs=1", "dataset.max_val=32", f"dataset.batch_size={SIZE}"]


@dataclass
class Figures:
    """Texts a second, round by round; seconds of a resume point; seconds of training between two of them."""

    frostline: list[float]
    hugging_face: list[float]
    by_hand: list[float]
    resume_point: float
    interval: float
    padding: dict[str, float]

    @property
    def with_resume_points(self) -> list[float]:
        share = self.interval / (self.interval + self.resume_checkpoint)
        return [rate * share for rate in self.frostline]

    def ratios(self) -> dict[str, list[float]]:
        return {
            "Frostline / Hugging Face": pairs(self.with_resume_points, self.hugging_face),
            "Frostline / by hand": pairs(self.with_resume_points, self.by_hand),
            "Frostline / by hand, no resume points": pairs(self.frostline, self.by_hand),
        }


def measure(rounds: int = ROUNDS) -> Figures:
    [job] = jobs_of_command([*OVERRIDES, *SHORT, "trainer.checkpoint_seconds=1000000"])
    interval = jobs_of_command(OVERRIDES)[0].config["trainer"]["checkpoint_seconds"]
    lengths = np.asarray(build(job.config).tokens["train"].lengths)
    epochs = {
        "Frostline": training_order(lengths.tolist(), SIZE, 1, 0),
        "Hugging Face Trainer": shuffled(len(lengths), SIZE, 0),
        "by hand, bucketed": bucketed(lengths, SIZE, 0),
    }
    ours, theirs, plain = (_pieces(epoch, lengths, rounds) for epoch in epochs.values())
    found = race([Frostline(job, ours), HuggingFace(job, theirs), ByHand(job, plain)], len(ours))
    rates = [_rates(seconds, rounds) for seconds, _ in found]
    shares = {name: padding(epoch, lengths) for name, epoch in epochs.items()}
    return Figures(*rates, found[0][1]["resume point"], interval, shares)


def _pieces(epoch: Batches, lengths: NDArray[np.int64], rounds: int) -> Batches:
    """A warm-up and all rounds."""
    return [batch for i in range(rounds) for batch in piece(epoch, lengths, STEPS, 0 if i else WARMUP, seed=i)]


def _rates(seconds: list[float], rounds: int) -> list[float]:
    timed = seconds[-rounds * STEPS :]
    return [SIZE * STEPS / sum(timed[i : i + STEPS]) for i in range(0, len(timed), STEPS)]


def report(figures: Figures) -> str:
    rows = {
        "Frostline": figures.with_resume_points,
        "Frostline, no resume points": figures.frostline,
        "Hugging Face Trainer": figures.hugging_face,
        "by hand, bucketed": figures.by_hand,
    }
    shares = ", ".join(f"{name} {share:.1%}" for name, share in figures.padding.items())
    saves = f"resume point: {figures.resume_checkpoint:.2f} s every {figures.interval:g} s"
    return "\n\n".join([f"padding: {shares}; {saves}", table(rows, "texts/s"), table(figures.ratios(), "ratio")])


if __name__ == "__main__":
    print(report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)))
