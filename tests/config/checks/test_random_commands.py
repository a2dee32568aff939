"""Random choices and values: what `check` accepts trains, or fails for what only the texts show."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import random_commands

KNOWN = {"refused", "trained", "data"}


@pytest.fixture(autouse=True)
def prepared(own_folder: None) -> None:
    random_commands.prepare(Path.cwd())


@pytest.mark.parametrize(
    ("count", "seed"),
    [(12, 3), pytest.param(250, 1, marks=pytest.mark.exhaustive), pytest.param(250, 2, marks=pytest.mark.exhaustive)],
)
@pytest.mark.filterwarnings("default")
def test_no_job_fails_after_the_check_has_accepted_it(count: int, seed: int) -> None:
    found = Counter(random_commands.outcomes(count, seed))
    assert [wrong for wrong in found if wrong not in KNOWN] == []
    assert found["trained"] > 0.2 * count, "where most are refused, nothing is shown"
    assert found["refused"] > 0.2 * count, "where most are accepted, invalid values are missing"
