"""frostline list: every choice and what it is."""

from __future__ import annotations

import pytest

from command_line import Command, in_process
from parts import choices

frostline = in_process
GROUPS = ["encoder", "pooler", "head", "freezing", "dataset", "optimizer", "scheduler", "trainer", "logger", "debug"]


@pytest.mark.parametrize("group", GROUPS)
def test_every_choice_of_a_group_has_a_line_on_what_it_is(frostline: Command, group: str) -> None:
    title, *lines = frostline("list", group).out.splitlines()
    assert title == group
    assert [line.split()[0] for line in lines] == choices(group)
    assert all(len(line.split()) > 3 for line in lines), lines


@pytest.mark.parametrize("group", ["hydra/launcher", "hydra/sweeper"])
def test_ways_to_do_a_sweep_are_listed_those_of_hydra_too(frostline: Command, group: str) -> None:
    title, *lines = frostline("list", group).out.splitlines()
    assert title == group
    told = dict(line.split(maxsplit=1) for line in lines)
    assert told.pop("basic") == "Hydra's own"
    assert sorted(told) == choices(group)
    assert all(len(line.split()) > 3 for line in told.values())


def test_all_groups_are_listed_the_parts_first(frostline: Command) -> None:
    titles = [line.split()[0] for line in frostline("list").out.splitlines() if not line.startswith(" ")]
    assert titles[: len(GROUPS) - 3] == GROUPS[:-3]
    assert {*GROUPS, "experiment", "sweep"} <= set(titles)


def test_several_groups_are_listed_in_the_order_asked_for(frostline: Command) -> None:
    said = frostline("list", "head", "encoder").out
    assert said.index("head") < said.index("  mlp") < said.index("\nencoder\n") < said.index("minilm")


def test_a_group_that_is_not_there_is_told(frostline: Command) -> None:
    said = frostline("list", "haed", "colour")
    assert said.status == 2
    assert said.problems()[0] == "haed: no such group; did you mean head?"
    assert "colour: no such group; choose one of: encoder" in said.problems()[1]


def test_the_arms_in_folders_below_are_listed_by_their_paths(frostline: Command) -> None:
    assert frostline("list", "experiment").status == 0
