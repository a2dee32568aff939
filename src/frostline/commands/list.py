"""frostline list [GROUP ...] [--config-dir DIR]: the choices of each group and what they are, your own among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from frostline.config import search_path as search
from frostline.config.arguments import parse
from frostline.config.choices import options
from frostline.config.loader import ConfigLoader
from frostline.errors import Problem, UserError, did_you_mean

PARTS = ("encoder", "pooler", "head", "freezing", "dataset", "optimizer", "scheduler")
OURS = (*PARTS, "trainer", "logger", "recipe", "experiment", "sweep", "debug")
HYDRAS = ["hydra/launcher", "hydra/sweeper"]  # less those of Hydra's groups in which there is nothing of ours
FOLDERS = ("file", search.Studies.scheme())


def main(argv: list[str]) -> int:
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    arguments = parse(argv)
    loader = search.loader(arguments.config_path, arguments.config_dir)
    known = [group for group in loader.list_groups("") if group != "hydra"]
    known.sort(key=lambda group: (OURS.index(group) if group in OURS else len(OURS), group))
    known += HYDRAS
    unknown = [word for word in arguments.overrides if word not in known]
    if unknown:
        raise UserError([Problem(word, "no such group", did_you_mean(word, known)) for word in unknown], "command")
    for group in arguments.overrides or known:
        choices = list(options(loader, group))
        width = max(map(len, choices), default=0)
        print(group if choices else f"{group} (none yet)")
        for name in choices:
            told = _description(_file(loader, f"{group}/{name}")) or ("Hydra's own" if group in HYDRAS else "")
            print(f"  {name:<{width}}  {told}".rstrip())
    return 0


def _file(loader: ConfigLoader, choice: str) -> Iterator[str]:
    """The lines of the yaml that Hydra would read."""
    for source in loader.get_sources():
        if source.is_config(choice) and source.scheme() in FOLDERS:
            below = choice.partition("/")[2] if source.scheme() == search.Studies.scheme() else choice
            yield from (Path(source.path) / f"{below}.yaml").read_text(encoding="utf-8").splitlines()
            return


def _description(lines: Iterator[str]) -> str:
    comments = (line.lstrip("# ").strip() for line in lines if line.startswith("#") and "@package" not in line)
    return next(comments, "")
