"""Words of a command line: Hydra's own flags, --debug, and overrides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from frostline.config.hydra_internals import argument_parser
from frostline.errors import UserError, did_you_mean, wrong

SHOWING = ("help", "hydra_help", "cfg", "info", "shell_completion", "experimental_rerun")


@dataclass(frozen=True)
class Arguments:
    """argv: in an order that Hydra understands, flags first, less --debug."""

    argv: list[str]
    overrides: list[str]
    multirun: bool = False
    shows: str | None = None
    config_name: str = "config"
    config_dir: str | None = None
    config_path: str | None = None
    debug: bool = False


def parse(argv: list[str]) -> Arguments:
    """Read a command line.

    Raises:
        UserError: an unknown flag, a flag without its value, or a --config-dir that is no folder.
    """
    words = [word for word in argv if word != "--debug"]
    parser: Any = argument_parser()
    parser.error = _refuse
    found, unknown = parser.parse_known_intermixed_args(words)
    flags = sorted({option for action in parser._actions for option in action.option_strings if option[:2] == "--"})
    if unknown:
        problems = [wrong(word, "no such flag", did_you_mean(word, flags)).problems[0] for word in unknown]
        raise UserError(problems, subject="command")
    shown = next((name for name in SHOWING if getattr(found, name)), None)
    if found.multirun and shown in ("cfg", "info"):
        raise wrong(f"--{shown}", "shows one job, and -m asks for several", "leave out one of them")
    _check_folder("--config-dir", found.config_dir)
    _check_folder("--config-path", found.config_path)
    absolute = str(Path(found.config_path).resolve()) if found.config_path else None
    flagged = [word for word in words if word not in found.overrides]
    return Arguments(
        argv=[*(absolute if absolute and word == found.config_path else word for word in flagged), *found.overrides],
        overrides=found.overrides,
        multirun=found.multirun or "hydra.mode=MULTIRUN" in found.overrides,
        shows=shown,
        config_name=found.config_name or "config",
        config_dir=found.config_dir,
        config_path=absolute,
        debug="--debug" in argv,
    )


def _refuse(message: str) -> NoReturn:
    flag, _, what = message.removeprefix("argument ").partition(": ")
    raise UserError(wrong(flag.split("/")[0], what or "cannot be read", "see `frostline --help`").problems, "command")


def _check_folder(flag: str, folder: str | None) -> None:
    if folder is not None and not Path(folder).is_dir():
        raise wrong(flag, f"'{folder}' is no folder", "give a folder with yaml files, such as conf")
