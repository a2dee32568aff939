"""Whether it pays to keep token states: what that costs, and what it saves."""

from __future__ import annotations

import os
from dataclasses import dataclass

JOBS = "FROSTLINE_JOBS"  # set for a sweep: how many of its jobs read the same texts with the same encoder
BYTES_A_SECOND = 300e6  # to write them, on an ordinary disk
OPERATIONS_A_SECOND = {"cpu": 5e10}  # of an encoder, on two cores
GPU_OPERATIONS_A_SECOND = 1e13  # of a GPU
MIN_SAVED_SECONDS = 2.0  # seconds: to save less is not worth a file


@dataclass(frozen=True)
class Estimate:
    """bytes: on disk; operations: of one pass below the line; uses: how often the run and its sweep will make it.

    Counted, not measured: a run that is killed and goes on must decide as it did before, to come to the same bits.
    """

    bytes: int
    operations: float
    device: str
    uses: int

    @property
    def seconds(self) -> float:
        return self.operations / OPERATIONS_A_SECOND.get(self.device, GPU_OPERATIONS_A_SECOND)

    @property
    def writing(self) -> float:
        return self.bytes / BYTES_A_SECOND

    @property
    def saved(self) -> float:
        """The first pass fills the store."""
        return (self.uses - 1) * self.seconds - self.writing

    @property
    def pays(self) -> bool:
        return self.saved >= MIN_SAVED_SECONDS

    def __str__(self) -> str:
        size = f"{self.bytes / 1e6:,.0f} MB"
        times = f"{self.uses} pass" + "es" * (self.uses != 1)
        return f"{size}, {self.writing:.1f} s to write, saves {max(self.saved, 0):.0f} s over {times}"


def jobs_in_sweep() -> int:
    """How many runs of this sweep go through the same states."""
    return int(os.environ.get(JOBS, "1"))
