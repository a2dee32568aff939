"""`frostline list`: print the choices of each config group with a description, including the user's choices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from frostline.config import search_path as search
from frostline.config.arguments import parse_arguments
from frostline.config.choices import group_choices
from frostline.config.loader import ConfigLoader, open_loader
from frostline.errors import Problem, UserError, did_you_mean
from frostline.options import OptionParser

MODEL_GROUPS = ("encoder", "pooler", "head", "freezing", "dataset", "optimizer", "scheduler")
FIRST_GROUPS = (*MODEL_GROUPS, "trainer", "logger", "recipe", "experiment", "sweep", "debug")
HYDRA_GROUPS = ["hydra/launcher", "hydra/sweeper"]  # the groups of Hydra to which frostline adds choices
FOLDER_SCHEMES = ("file", search.SCHEME)
PARSER = OptionParser(
    "list",
    "Print the choices of each config group with a description, including your choices.",
    usage="[GROUP ...] [--config-dir DIR]",
)


def main(argv: list[str]) -> int:
    """Print the choices of the given groups, or of all groups.

    Raises:
        UserError: a group does not exist.
    """
    _, words = PARSER.split(argv)
    arguments = parse_arguments(words)
    loader = open_loader(arguments.config_path, arguments.config_dir)
    known = [group for group in loader.list_groups("") if group != "hydra"]
    known.sort(key=lambda group: (FIRST_GROUPS.index(group) if group in FIRST_GROUPS else len(FIRST_GROUPS), group))
    known += HYDRA_GROUPS
    unknown = [group for group in arguments.overrides if group not in known]
    if unknown:
        raise UserError([Problem(group, "no such group", did_you_mean(group, known)) for group in unknown], "command")
    for group in arguments.overrides or known:
        _print_group(loader, group)
    return 0


def _print_group(loader: ConfigLoader, group: str) -> None:
    choices = list(group_choices(loader, group))
    width = max(map(len, choices), default=0)
    print(group if choices else f"{group} (empty)")
    for name in choices:
        fallback = "Hydra's own" if group in HYDRA_GROUPS else ""
        print(f"  {name:<{width}}  {_description(_yaml_lines(loader, f'{group}/{name}')) or fallback}".rstrip())


def _yaml_lines(loader: ConfigLoader, choice: str) -> Iterator[str]:
    """Yield the lines of the yaml file that Hydra would read."""
    for source in loader.get_sources():
        if source.is_config(choice) and source.scheme() in FOLDER_SCHEMES:
            name = choice.partition("/")[2] if source.scheme() == search.SCHEME else choice
            yield from (Path(source.path) / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
            return


def _description(lines: Iterator[str]) -> str:
    """Return the first comment of a yaml file."""
    comments = (line.lstrip("# ").strip() for line in lines if line.startswith("#") and "@package" not in line)
    return next(comments, "")
