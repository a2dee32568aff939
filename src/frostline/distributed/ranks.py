"""Which rank of a run this process is: the only one, or one that `launch_ranks`, torchrun or Slurm's srun has started.

A single variable that another program has left in the environment, such as RANK, makes no rank: the variables of one
starter have to be complete and consistent.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

RANK, RANKS, ADDRESS, PORT = "FROSTLINE_RANK", "FROSTLINE_RANKS", "FROSTLINE_ADDRESS", "FROSTLINE_PORT"
TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE")
SRUN = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_STEP_NUM_NODES")
RANK_VARIABLES = ("RANK", "LOCAL_RANK", "GROUP_RANK", "SLURM_PROCID", "SLURM_LOCALID", "WORLD_SIZE")


@dataclass(frozen=True)
class ExternalRanks:
    """This process as one of the ranks that another program has started for one run.

    rank: its number, from 0. count: the number of ranks. nodes: the number of machines. by: "torchrun" or "srun".
    """

    rank: int
    count: int
    nodes: int
    by: str


def started_rank() -> int | None:
    """Return the rank of this process if `launch_ranks` has started it, else None."""
    return int(os.environ[RANK]) if RANK in os.environ else None


def external_ranks() -> ExternalRanks | None:
    """Return the ranks that torchrun or srun has started for the run; None without these."""
    return read_external_ranks() if started_rank() is None else None


def is_main_process() -> bool:
    """Return whether this process is the only or the first rank; others neither check, print nor record."""
    external = external_ranks()
    return not (external.rank if external else started_rank())


def read_external_ranks(environ: Mapping[str, str] | None = None) -> ExternalRanks | None:
    """Return the external ranks that the environment variables describe, or None for a process by itself."""
    environ = os.environ if environ is None else environ
    return _from_torchrun(environ) or _from_srun(environ)


def stray_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the variables that give this process a rank other than 0, though it is not one of several ranks."""
    environ = os.environ if environ is None else environ
    if read_external_ranks(environ) is not None:
        return []
    ranks = [name for name in RANK_VARIABLES if name != "WORLD_SIZE"]
    return [f"{name}={environ[name]}" for name in ranks if environ.get(name, "0") != "0"]


def _from_torchrun(environ: Mapping[str, str]) -> ExternalRanks | None:
    values = _counts(environ, TORCHRUN)
    if values is None or not all(environ.get(name) for name in ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT")):
        return None
    rank, count, local_rank, local_count, node, nodes = values
    is_consistent = rank < count and local_rank < local_count <= count and local_rank <= rank and node < nodes <= count
    return ExternalRanks(rank, count, nodes, "torchrun") if is_consistent else None


def _from_srun(environ: Mapping[str, str]) -> ExternalRanks | None:
    values = _counts(environ, SRUN)
    if values is None or not all(environ.get(name) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID")):
        return None
    rank, count, local_rank, node, nodes = values
    is_consistent = rank < count and local_rank <= rank and node < nodes <= count
    return ExternalRanks(rank, count, nodes, "srun") if is_consistent and count > 1 else None


def _counts(environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[int, ...] | None:
    """Return the values of variables as integers from 0; None if one is missing or is no such number."""
    values = [environ.get(name, "") for name in names]
    return tuple(map(int, values)) if all(value.isascii() and value.isdigit() for value in values) else None
