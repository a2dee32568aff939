"""Shell completion of what Hydra cannot complete: subcommands, groups after `list`, and our flags."""

from __future__ import annotations

import os
import re

from frostline.config.arguments import subcommands
from frostline.config.loader import open_loader

LINE = "COMP_LINE"  # environment variable in which the shell passes the line that is typed
OUR_FLAGS = re.compile(r" (--debug|--write +\S+)(?= )")


def complete_line() -> bool:
    """Print our completions and leave in the environment a line that Hydra can complete.

    Returns:
        Whether Hydra should complete the line too.
    """
    program, _, rest = OUR_FLAGS.sub("", os.environ[LINE]).partition(" ")
    subcommand, space, words = rest.lstrip().partition(" ")
    if not space:
        _print_matches(subcommands(), subcommand)
    elif subcommand == "list":
        groups = [group for group in open_loader().list_groups("") if group != "hydra"]
        _print_matches(groups, words.split(" ")[-1])
        return False
    elif subcommand in subcommands():
        rest = words
    os.environ[LINE] = f"{program} {rest}"
    return not rest.endswith("--write ")  # the shell completes the name of a file


def _print_matches(names: list[str], prefix: str) -> None:
    for name in names:
        if name.startswith(prefix):
            print(name)
