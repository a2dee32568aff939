"""frostline list (frostline.commands.list): every choice with its description."""

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
    assert [line.split()[0] for line in lines] == choices(group, every=True)
    assert all(len(line.split()) > 3 for line in lines), lines


@pytest.mark.parametrize("group", ["hydra/launcher", "hydra/sweeper"])
def test_ways_to_do_a_sweep_are_listed_those_of_hydra_too(frostline: Command, group: str) -> None:
    title, *lines = frostline("list", group).out.splitlines()
    assert title == group
    descriptions = dict(line.split(maxsplit=1) for line in lines)
    assert descriptions.pop("basic") == "Hydra's own"
    assert sorted(descriptions) == choices(group, every=True)
    assert all(len(line.split()) > 3 for line in descriptions.values())


def test_all_groups_are_listed_the_parts_first(frostline: Command) -> None:
    titles = [line.split()[0] for line in frostline("list").out.splitlines() if not line.startswith(" ")]
    assert titles[: len(GROUPS) - 3] == GROUPS[:-3]
    assert {*GROUPS, "experiment", "sweep"} <= set(titles)


def test_several_groups_are_listed_in_the_order_asked_for(frostline: Command) -> None:
    result = frostline("list", "head", "encoder").out
    assert result.index("head") < result.index("  mlp") < result.index("\nencoder\n") < result.index("minilm")


def test_an_unknown_group_is_reported(frostline: Command) -> None:
    result = frostline("list", "haed", "colour")
    assert result.status == 2
    assert result.problems()[0] == "haed: no such group; did you mean head?"
    assert "colour: no such group; choose one of: encoder" in result.problems()[1]


def test_the_arms_in_folders_below_are_listed_by_their_paths(frostline: Command) -> None:
    assert frostline("list", "experiment").status == 0
