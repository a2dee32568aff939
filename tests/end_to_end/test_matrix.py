"""Whatever is combined either trains or is refused before anything is loaded: nothing fails later.

Tests frostline.config.checks.compatibility.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import matrix

PARTS = 3  # so that several workers share the combinations


@pytest.fixture(autouse=True)
def prepared(own_folder: None) -> None:
    matrix.prepare(Path.cwd())


def test_the_combinations_hold_every_pair() -> None:
    pairs = {pair for one in matrix.everything() for pair in matrix._pairs(one)}
    assert {pair for one in matrix.covering() for pair in matrix._pairs(one)} == pairs


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_pair_of_choices_trains_or_is_refused(part: int) -> None:
    found = Counter(matrix.verdict(one) for one in matrix.covering()[part::PARTS])
    assert set(found) == {"trains", "refused"}
    assert found["trains"] > 0.2 * found.total(), "where all is refused, nothing is shown"


@pytest.mark.slow
def test_every_choice_trains_among_the_usual_ones() -> None:
    assert {one: told for one in matrix.usual() if (told := matrix.verdict(one)) != "trains"} == {}
