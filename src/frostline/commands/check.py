"""`frostline check`: report every mistake of a command before anything is loaded."""

from __future__ import annotations

from frostline.config.arguments import parse_arguments
from frostline.options import OptionParser
from frostline.sweeps.checked_command import check_command

PARSER = OptionParser(
    "check",
    "Report every mistake of a command at once, before training, and list what a run would download.\n"
    "The exit status is 2 if there is a mistake.",
    usage="[-m] [KEY=VALUE ...]",
)


def main(argv: list[str]) -> int:
    """Print the folder of each job and what it would download.

    Raises:
        UserError: the command has mistakes.
    """
    _, words = PARSER.split(argv)
    print(check_command(parse_arguments(words)))
    return 0
