"""How many files a reader of a run passes through: tests/support/trips.py counts them, and they do not become more."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.trips import KINDS, TRIPS, measure

SOURCE = Path(__file__).resolve().parents[2] / "src"
AT_MOST = {  # trip -> files entered, files passed through; two more where an encoder is loaded for the first time
    "command line to checked jobs": (52, 29),
    "config to result.json": (98, 63),
    "csv to prediction": (45, 28),
}


@pytest.mark.slow
def test_a_run_enters_no_more_files_than_before() -> None:
    trips = measure(SOURCE)
    assert trips.keys() == AT_MOST.keys() == TRIPS.keys()
    counts = {trip: tuple(len(files[kind]) for kind in KINDS) for trip, files in trips.items()}
    assert {t: c for t, c in counts.items() if any(a > b for a, b in zip(c, AT_MOST[t], strict=True))} == {}
