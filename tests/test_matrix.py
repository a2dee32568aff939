"""Whatever is combined either trains or is refused before anything is loaded: nothing fails later."""

from __future__ import annotations

from pathlib import Path

import pytest

import matrix


@pytest.fixture(autouse=True)
def prepared(own_folder: None) -> None:
    matrix.prepare(Path.cwd())


def test_the_combinations_hold_every_pair() -> None:
    pairs = {pair for one in matrix.everything() for pair in matrix._pairs(one)}
    assert {pair for one in matrix.covering() for pair in matrix._pairs(one)} == pairs


@pytest.mark.slow
def test_every_pair_of_choices_trains_or_is_refused() -> None:
    assert [problem for one in matrix.covering() if (problem := matrix.wrong(one))] == []
