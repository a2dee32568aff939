"""The plan that a strategy's docstring shows is the one that `frostline plan` prints."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

from command_line import Command, in_process
from frostline.freezing import __path__ as folder
from parts import choices

frostline = in_process
WITHOUT = {"schedule"}  # another name for rules, whose plan is a file


def shown(name: str) -> tuple[str, str] | None:
    """The command in a strategy's docstring, and what stands below it."""
    text = inspect.getdoc(getattr(importlib.import_module(f"frostline.freezing.{name}"), name)) or ""
    found = re.search(r"^( *)\$ frostline plan (.+)\n((?:\1\S.*\n?)+)", text, re.MULTILINE)
    if found is None:
        return None
    return found[2], "".join(f"{line.strip()}\n" for line in found[3].splitlines())


@pytest.mark.parametrize("name", [name for name in choices("freezing") if name not in WITHOUT and shown(name)])
def test_the_docstring_shows_the_plan(frostline: Command, name: str) -> None:
    words, table = shown(name) or ("", "")
    assert frostline("plan", *words.split()).out == table


def test_nearly_every_strategy_shows_its_plan() -> None:
    assert folder
    assert [name for name in choices("freezing") if name not in WITHOUT and not shown(name)] == ["rules"]
