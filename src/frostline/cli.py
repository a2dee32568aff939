"""The command: a verb, or the main job in Hydra's own grammar."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shlex
import sys
import traceback
from collections.abc import Sequence

from frostline.errors import FrostlineError

DEBUG = "--debug"  # of any command


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command.

    Raises:
        SystemExit: with status 1 for a run that failed, 2 for what the user can mend.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _dispatch(words)
    except FrostlineError as error:
        if DEBUG in words:
            traceback.print_exception(error)
        print(error.render() if hasattr(error, "render") else error, file=sys.stderr)
        status = error.status
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except KeyboardInterrupt:
        status = 130
    if status:
        raise SystemExit(status)


def _dispatch(words: list[str]) -> int:
    if words == ["--version"]:
        from frostline import __version__

        print(f"frostline {__version__}")
        return 0
    if words and words[0].isidentifier() and importlib.util.find_spec(f"frostline.commands.{words[0]}"):
        told = [word for word in words[1:] if word != DEBUG]
        status: int = importlib.import_module(f"frostline.commands.{words[0]}").main(told)
        return status
    return _main_job(words)


def _main_job(words: list[str]) -> int:
    from frostline.config.arguments import parse
    from frostline.results.environment import COMMAND
    from frostline.sweeps import launch

    arguments = parse(words)
    os.environ[COMMAND] = shlex.join(["frostline", *words])
    return launch.show(arguments) if arguments.shows else launch.launch(arguments)
