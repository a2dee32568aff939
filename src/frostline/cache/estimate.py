"""The estimate of whether caching token states is worthwhile: its cost and its saving."""

from __future__ import annotations

import os
from dataclasses import dataclass

JOBS = "FROSTLINE_JOBS"  # set for a sweep: how many of its jobs read the same texts with the same encoder
BYTES_A_SECOND = 300e6  # of writing to an ordinary disk
OPERATIONS_A_SECOND = {"cpu": 5e10}  # of an encoder, on two cores
GPU_OPERATIONS_A_SECOND = 1e13
MIN_SAVED_SECONDS = 2.0  # a smaller saving is not worth a file


@dataclass(frozen=True)
class Estimate:
    """The size of the states on disk in bytes, the operations of one pass below the line, and the number of passes.

    uses: how often the run and its sweep will make the pass. The estimate is counted, not measured, because a resumed
    run must decide as it did before in order to reproduce its results bit for bit.
    """

    bytes: int
    operations: float
    device: str
    uses: int

    @property
    def seconds(self) -> float:
        """Return the estimated seconds of one pass."""
        return self.operations / OPERATIONS_A_SECOND.get(self.device, GPU_OPERATIONS_A_SECOND)

    @property
    def write_seconds(self) -> float:
        """Return the estimated seconds of writing the states."""
        return self.bytes / BYTES_A_SECOND

    @property
    def saved_seconds(self) -> float:
        """Return the estimated saving in seconds; the first pass fills the cache and saves nothing."""
        return (self.uses - 1) * self.seconds - self.write_seconds

    @property
    def is_worthwhile(self) -> bool:
        """Return whether the saving is large enough."""
        return self.saved_seconds >= MIN_SAVED_SECONDS

    def __str__(self) -> str:
        size = f"{self.bytes / 1e6:,.0f} MB"
        times = f"{self.uses} pass" + "es" * (self.uses != 1)
        return f"{size}, {self.write_seconds:.1f} s to write, saves {max(self.saved_seconds, 0):.0f} s over {times}"


def jobs_in_sweep() -> int:
    """Return how many runs of this sweep read the same states."""
    return int(os.environ.get(JOBS, "1"))
