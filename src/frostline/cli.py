"""The command `frostline`: a subcommand, or a run or sweep in Hydra's grammar."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shlex
import sys
import traceback
from collections.abc import Sequence

from frostline.console import make_output_printable
from frostline.errors import FrostlineError

DEBUG = "--debug"  # a flag of every command


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command.

    Raises:
        SystemExit: with status 1 if a run failed, 2 if the command or its input is wrong, 130 if it was interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    make_output_printable()
    try:
        status = _run_command(words)
    except FrostlineError as error:
        if DEBUG in words:
            traceback.print_exception(error)
        print(error.render() if hasattr(error, "render") else error, file=sys.stderr)
        status = error.status
    except BrokenPipeError:  # the reader of the pipe, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except KeyboardInterrupt:
        status = 130
    if status:
        raise SystemExit(status)


def _run_command(words: list[str]) -> int:
    if words == ["--version"]:
        from frostline import __version__

        print(f"frostline {__version__}")
        return 0
    if words and words[0].isidentifier() and importlib.util.find_spec(f"frostline.commands.{words[0]}"):
        subcommand = importlib.import_module(f"frostline.commands.{words[0]}")
        status: int = subcommand.main([word for word in words[1:] if word != DEBUG])
        return status
    return _run_hydra_job(words)


def _run_hydra_job(words: list[str]) -> int:
    from frostline.config.arguments import parse_arguments
    from frostline.results.environment import COMMAND
    from frostline.sweeps import launch

    arguments = parse_arguments(words)
    os.environ[COMMAND] = shlex.join(["frostline", *words])
    return launch.show(arguments) if arguments.shows else launch.launch(arguments)
