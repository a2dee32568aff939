"""Ranks that torchrun or srun has started are recognised from a complete, consistent set of variables only."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frostline.distributed.ranks import (
    RANK,
    ExternalRanks,
    external_ranks,
    is_main_process,
    read_external_ranks,
    stray_variables,
)


def torchrun(node: int, nodes: int, local_rank: int, local_count: int) -> dict[str, str]:
    """Return the variables that torchrun sets in a process, with equally many ranks on each machine."""
    values = {
        "RANK": node * local_count + local_rank,
        "WORLD_SIZE": nodes * local_count,
        "LOCAL_RANK": local_rank,
        "LOCAL_WORLD_SIZE": local_count,
        "GROUP_RANK": node,
        "GROUP_WORLD_SIZE": nodes,
        "MASTER_PORT": 29500,
    }
    return {name: str(value) for name, value in values.items()} | {
        "TORCHELASTIC_RUN_ID": "none",
        "MASTER_ADDR": "localhost",
    }


def srun(node: int, nodes: int, local_rank: int, local_count: int) -> dict[str, str]:
    """Return the variables that srun sets in a task, with equally many tasks on each machine."""
    values = {
        "SLURM_JOB_ID": 17,
        "SLURM_STEP_ID": 0,
        "SLURM_PROCID": node * local_count + local_rank,
        "SLURM_STEP_NUM_TASKS": nodes * local_count,
        "SLURM_LOCALID": local_rank,
        "SLURM_NODEID": node,
        "SLURM_STEP_NUM_NODES": nodes,
    }
    return {name: str(value) for name, value in values.items()}


@st.composite
def positions(draw: st.DrawFn) -> tuple[int, int, int, int]:
    nodes, local_count = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    return draw(st.integers(0, nodes - 1)), nodes, draw(st.integers(0, local_count - 1)), local_count


@pytest.mark.parametrize("variables", [torchrun, srun])
@given(positions())
def test_a_complete_set_is_believed(
    variables: Callable[..., dict[str, str]], position: tuple[int, int, int, int]
) -> None:
    node, nodes, local_rank, local_count = position
    found = read_external_ranks(variables(*position))
    if variables is srun and nodes * local_count == 1:  # an ordinary command within an allocation
        assert found is None
    else:
        rank, count = node * local_count + local_rank, nodes * local_count
        assert found == ExternalRanks(rank, count, nodes, variables.__name__)
    assert stray_variables(variables(*position)) == []


@pytest.mark.parametrize("variables", [torchrun, srun])
@given(positions(), st.data())
def test_a_set_with_a_variable_missing_is_one_process(
    variables: Callable[..., dict[str, str]], position: tuple[int, int, int, int], data: st.DataObject
) -> None:
    environ = variables(*position)
    for name in data.draw(st.sets(st.sampled_from(sorted(environ)), min_size=1)):
        del environ[name]
    assert read_external_ranks(environ) is None
    rank = next((environ[name] for name in ("RANK", "SLURM_PROCID") if name in environ), "0")
    assert bool([entry for entry in stray_variables(environ) if "RANK=" in entry or "PROCID=" in entry]) == any(
        environ.get(name, "0") != "0" for name in ("RANK", "LOCAL_RANK", "GROUP_RANK", "SLURM_PROCID")
    ), rank


@pytest.mark.parametrize(
    "wrong",
    [{"RANK": "2"}, {"RANK": "-1"}, {"RANK": "one"}, {"WORLD_SIZE": ""}, {"LOCAL_RANK": "2"}, {"GROUP_RANK": "1"}],
)
def test_an_inconsistent_set_is_one_process(wrong: dict[str, str]) -> None:
    assert read_external_ranks(torchrun(0, 1, 1, 2)) == ExternalRanks(1, 2, 1, "torchrun")
    assert read_external_ranks(torchrun(0, 1, 1, 2) | wrong) is None


def test_an_allocation_of_several_tasks_is_no_rank_without_srun() -> None:
    """In the shell of `salloc --ntasks=4`, and in a script of `sbatch --ntasks=4`."""
    shell = {"SLURM_JOB_ID": "17", "SLURM_NTASKS": "4", "SLURM_NPROCS": "4", "SLURM_JOB_NUM_NODES": "1"}
    batch = shell | {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_TASK_PID": "123"}
    assert read_external_ranks(shell) is read_external_ranks(batch) is None
    assert stray_variables(shell) == stray_variables(batch) == []


def test_a_rank_that_frostline_has_started_is_no_external_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in srun(1, 2, 1, 2).items():
        monkeypatch.setenv(name, value)
    assert external_ranks() == ExternalRanks(3, 4, 2, "srun")
    assert not is_main_process()
    monkeypatch.setenv(RANK, "0")
    assert external_ranks() is None
    assert is_main_process()
    monkeypatch.setenv(RANK, "1")
    assert not is_main_process()
    assert os.environ["SLURM_PROCID"] == "3"
