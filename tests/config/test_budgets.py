"""Which arms of a sweep are trained unequally (frostline.config.budgets), as `plan -m` prints it."""

from __future__ import annotations

import pytest

from frostline.config.budgets import unequal_budgets
from frostline.config.jobs import jobs_of_command

HEADLINE = "these arms are trained unequally, which can decide how they compare:"
DO = "  set trainer.max_epochs or trainer.min_steps for all of them, and try equally many values of optimizer.lr"
CASES = [
    ("freezing=full seed=1,2,3", []),
    ("freezing=full,discriminative seed=1,2 optimizer.lr=1e-3,1e-2 trainer.max_epochs=2", []),
    ("freezing=direct,full", []),
    ("freezing=frozen,full dataset.max_train=400", []),
    ("freezing=frozen head=logistic,linear", []),
    (
        "freezing=frozen,full dataset.max_train=400 trainer.min_steps=null",
        [
            "  20 epochs in batches of 32, at most 260 steps, 1 learning rate: freezing=frozen",
            "  3 epochs in batches of 32, at most 39 steps, 1 learning rate: freezing=full",
        ],
    ),
    (
        "freezing=frozen,bitfit,full trainer.max_epochs=1 dataset.batch_size=16 optimizer.lr=1e-3,1e-2",
        [],
    ),
    (
        "freezing=full dataset.max_train=400 dataset.batch_size=8,400 trainer.max_epochs=2",
        [
            "  2 epochs in batches of 8, at most 100 steps, 1 learning rate: dataset.batch_size=8",
            "  2 epochs in batches of 400, at most 2 steps, 1 learning rate: dataset.batch_size=400",
        ],
    ),
    ("freezing=full dataset.max_train=100,400 trainer.max_epochs=2", []),
]


def jobs_of(line: str) -> list[str]:
    return unequal_budgets(jobs_of_command(["-m", *line.split()]))


@pytest.mark.parametrize(("line", "lines"), CASES, ids=[line for line, _ in CASES])
def test_unequal_arms_are_named_with_epochs_steps_and_rates(line: str, lines: list[str], own_folder: None) -> None:
    assert jobs_of(line) == ([HEADLINE, *lines, DO] if lines else [])


def test_learning_rates_are_counted_arm_by_arm(own_folder: None) -> None:
    jobs = jobs_of_command(["-m", "freezing=full,bitfit", "optimizer.lr=1e-3,1e-2", "trainer.max_epochs=2", "seed=1,2"])
    fewer = [job for job in jobs if job.choices["freezing"] == "full" or job.config["optimizer"]["lr"] == 1e-2]
    assert unequal_budgets(fewer) == [
        HEADLINE,
        "  2 epochs in batches of 32, 2 learning rates: freezing=full",
        "  2 epochs in batches of 32, 1 learning rate: freezing=bitfit",
        DO,
    ]
    assert unequal_budgets(fewer, [7] * len(fewer), ["a"] * len(fewer)) == []
    assert "  2 epochs in batches of 32, 7 steps, 2 learning rates: freezing=full" in unequal_budgets(
        fewer, [7] * len(fewer)
    )
