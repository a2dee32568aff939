"""The command line: subcommands, Hydra's flags, --debug, and overrides."""

from __future__ import annotations

import os
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from frostline.config.hydra_internals import argument_parser
from frostline.config.project.pyproject import project_config_dir
from frostline.errors import UserError, did_you_mean, user_error

# flags of Hydra that print something and run nothing
PRINTING_FLAGS = ("help", "hydra_help", "cfg", "info", "shell_completion", "experimental_rerun")


@dataclass(frozen=True)
class Arguments:
    """A command line. argv: its words without --debug, flags before overrides, as Hydra expects them."""

    argv: list[str]
    overrides: list[str]
    multirun: bool = False
    shows: str | None = None
    config_name: str = "config"
    config_dir: str | None = None
    config_path: str | None = None
    debug: bool = False


def parse_arguments(argv: list[str]) -> Arguments:
    """Parse a command line. Without --config-dir, the config folder is that of the project in the working folder.

    Raises:
        UserError: an unknown flag, a flag without its value, or a config folder that is not one.
    """
    words = [word for word in argv if word != "--debug"]
    parser: Any = argument_parser()
    parser.error = _raise_user_error
    parsed, unknown = parser.parse_known_intermixed_args(words)
    flags = sorted({option for action in parser._actions for option in action.option_strings if option[:2] == "--"})
    if unknown:
        problems = [user_error(word, "no such flag", did_you_mean(word, flags)).problems[0] for word in unknown]
        raise UserError(problems, subject="command")
    shows = next((name for name in PRINTING_FLAGS if getattr(parsed, name)), None)
    if parsed.multirun and shows in ("cfg", "info"):
        raise user_error(f"--{shows}", "prints the config of one job, but -m runs several", "leave out one of them")
    _check_folder("--config-dir", parsed.config_dir)
    _check_folder("--config-path", parsed.config_path)
    config_path = str(Path(parsed.config_path).resolve()) if parsed.config_path else None
    flag_words = [word for word in words if word not in parsed.overrides]
    flag_words = [config_path if config_path and word == parsed.config_path else word for word in flag_words]
    config_dir = parsed.config_dir
    if config_dir is None and (config_dir := project_config_dir()) is not None:
        flag_words += ["--config-dir", config_dir]
    return Arguments(
        argv=[*flag_words, *parsed.overrides],
        overrides=parsed.overrides,
        multirun=parsed.multirun or "hydra.mode=MULTIRUN" in parsed.overrides,
        shows=shows,
        config_name=parsed.config_name or "config",
        config_dir=config_dir,
        config_path=config_path,
        debug="--debug" in argv,
    )


def subcommands() -> list[str]:
    """Return the names of all subcommands, such as `check` and `plan`."""
    package = os.fspath(Path(__file__).resolve().parents[1] / "commands")
    return sorted(module.name for module in pkgutil.iter_modules([package]) if not module.name.startswith("_"))


def _raise_user_error(message: str) -> NoReturn:
    flag, _, what = message.removeprefix("argument ").partition(": ")
    problem = user_error(flag.split("/")[0], what or "cannot be parsed", "see `frostline --help`").problems[0]
    raise UserError(problem, subject="command")


def _check_folder(flag: str, folder: str | None) -> None:
    if folder is not None and not Path(folder).is_dir():
        raise user_error(flag, f"'{folder}' is not a folder", "give a folder with yaml files, such as conf")
