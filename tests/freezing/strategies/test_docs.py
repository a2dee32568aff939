"""The plan that the docstring of a strategy or an adapter shows is the one that `frostline plan` prints."""

from __future__ import annotations

import inspect
import re

import pytest

from command_line import Command, in_process
from frostline.config import search_path as search
from frostline.instantiate import locate
from parts import choices

frostline = in_process
WITHOUT = {("freezing", "schedule"), ("adapter", "none")}  # another name for rules, whose plan is a file; and nothing
PARTS = [(group, name) for group in ("freezing", "adapter") for name in choices(group) if (group, name) not in WITHOUT]


def shown(part: tuple[str, str]) -> tuple[str, str] | None:
    """The command in a part's docstring, and what stands below it."""
    yaml = (search.conf_folder() / part[0] / f"{part[1]}.yaml").read_text()
    text = inspect.getdoc(locate(re.findall(r"^_target_: (\S+)$", yaml, re.MULTILINE)[0])) or ""
    found = re.search(r"^( *)\$ frostline plan (.+)\n((?:\1\S.*\n?)+)", text, re.MULTILINE)
    if found is None:
        return None
    return found[2], "".join(f"{line.strip()}\n" for line in found[3].splitlines())


@pytest.mark.parametrize("part", [part for part in PARTS if shown(part)], ids="=".join)
def test_the_docstring_shows_the_plan(frostline: Command, part: tuple[str, str]) -> None:
    words, table = shown(part) or ("", "")
    assert frostline("plan", *words.split()).out == table


def test_nearly_every_strategy_and_adapter_shows_its_plan() -> None:
    assert [part for part in PARTS if not shown(part)] == [("freezing", "rules")]
