"""What a sweep will take is foretold: in the order of what it takes, and cheaper for what is shared."""

from __future__ import annotations

import pytest

from command_line import Command, in_process
from frostline.config import jobs as command
from frostline.config.fusable import FusableGroup
from frostline.sweeps import time_estimate
from frostline.sweeps.time_estimate import estimate_run

frostline = in_process


def foretold(*words: str) -> time_estimate.RunEstimate:
    [job] = command.jobs_of_command(list(words))
    return estimate_run(job.config, {})


def test_steps_are_those_of_the_run() -> None:
    """7,422 texts of train in batches of 32; a run in which nothing learns makes none."""
    assert foretold("freezing=full", "trainer.max_epochs=3").steps == 232 * 3
    assert foretold("freezing=full", "dataset.max_train=100", "trainer.max_epochs=2").steps == 4 * 2
    assert foretold("freezing=direct").steps == 0


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (["freezing=frozen", "trainer.max_epochs=3"], ["freezing=full", "trainer.max_epochs=3"]),
        (["freezing=direct"], ["freezing=frozen"]),
        (["freezing=top_k", "freezing.k=1"], ["freezing=top_k", "freezing.k=2"]),
        (["encoder=bert_tiny"], ["encoder=minilm"]),
        (["dataset.max_train=100", "trainer.max_epochs=3"], ["trainer.max_epochs=3"]),
        (["dataset.max_length=8"], []),
    ],
    ids=" ".join,
)
def test_what_computes_more_takes_longer(less: list[str], more: list[str]) -> None:
    assert foretold(*less).seconds < foretold(*more).seconds


def test_jobs_together_are_encoded_once() -> None:
    runs = [foretold("encoder=minilm", "freezing=frozen", f"seed={seed}") for seed in range(8)]
    together = time_estimate.group_seconds(FusableGroup(list(range(8))), runs)
    assert runs[0].seconds_to_encode < together < 2 * runs[0].seconds_to_encode
    assert time_estimate.group_seconds(FusableGroup(list(range(8)), "why"), runs) > 8 * runs[0].seconds_to_encode


def test_a_fused_sweep_is_foretold_group_by_group(frostline: Command) -> None:
    words = ["-m", "freezing=frozen,full", "seed=1,2", "dataset.max_train=64", "dataset.max_test=64"]
    *_, together, alone, whole, _few_seeds = frostline("plan", *words, "hydra/launcher=fused").out.splitlines()
    assert together.startswith("2 jobs trained together: about ")
    assert alone.startswith("2 jobs one by one: more than the head is trained: about ")
    assert whole.startswith("4 jobs: about ")
    assert frostline("plan", *words).out.splitlines()[-2].startswith("4 jobs: about ")
