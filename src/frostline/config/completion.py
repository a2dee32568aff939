"""The shell's completion of what Hydra's own knows nothing of: our verbs, the groups after `list`, our flags."""

from __future__ import annotations

import os
import re

from frostline.config import search_path as search
from frostline.config.resolvers import verb_names

LINE = "COMP_LINE"  # what has been typed so far
OURS = re.compile(r" (--debug|--write +\S+)(?= )")


def complete() -> bool:
    """Print what of ours could come next and leave Hydra a line that it understands; whether it is to go on."""
    program, _, rest = OURS.sub("", os.environ[LINE]).partition(" ")
    verb, space, others = rest.lstrip().partition(" ")
    if not space:
        _offer(verb_names(), verb)
    elif verb == "list":
        _offer([group for group in search.loader().list_groups("") if group != "hydra"], others.split(" ")[-1])
        return False
    elif verb in verb_names():
        rest = others
    os.environ[LINE] = f"{program} {rest}"
    return not rest.endswith("--write ")  # a file's name, which the shell completes


def _offer(words: list[str], begun: str) -> None:
    for word in words:
        if word.startswith(begun):
            print(word)
