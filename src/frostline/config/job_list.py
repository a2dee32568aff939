"""Jobs that are no product of values: a file has the overrides of one job a line, as a shell would read them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from frostline.config.overrides import Composer
from frostline.errors import Problem, UserError, wrong

SWEEPER = "hydra_plugins.frostline_listed.ListedSweeper"
KEY = "hydra.sweeper.file"
LONGEST = 50  # lines of a job: a quote that is not closed would take in all that follow


def read(file: str | None) -> list[list[str]]:
    """The overrides of each job; lines that are empty or begin with # are none. Quotes may go on over several lines.

    Raises:
        UserError: there is no such file, or a line of it cannot be read.
    """
    do = "name a file with the overrides of one job a line, such as freezing=full seed=1"
    if not file:
        raise wrong(KEY, "names no file", do)
    try:
        content = Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise wrong(KEY, f"'{file}' cannot be read ({reason})", do) from error
    found = list(_jobs(file, content.split("\n")))
    if not found:
        raise wrong(KEY, f"'{file}' lists no job", do)
    return found


def written(jobs: Iterable[Sequence[str]]) -> str:
    """The text that `read` reads."""
    return "".join(f"{shlex.join(job)}\n" for job in jobs)


def jobs(composer: Composer, cfg: DictConfig) -> list[list[str]]:
    """Of the file that a sweep's own config names; what is wrong with it is noted by the composer."""
    try:
        found = read(OmegaConf.select(cfg, KEY))
    except UserError as error:
        composer.problems += error.problems
        return []
    for override in composer.parse(list(dict.fromkeys(word for job in found for word in job))):
        if override.is_sweep_override() or override.is_hydra_override():
            what = f"'{override.input_line}' in a list of jobs is no override of one job"
            composer.problems.append(Problem(override.key_or_group, what, "write a line for each, less Hydra's own"))
    return [] if composer.problems else found


def _jobs(file: str, lines: Sequence[str]) -> Iterator[list[str]]:
    told, begun = "", 0
    for number, line in enumerate(lines, 1):
        if not told:
            begun = number
            if not line.strip() or line.startswith("#"):
                continue
        told += line
        if (words := _words(told)) is not None:
            yield words
            told = ""
        elif number - begun == LONGEST:
            break
        else:
            told += "\n"
    if told:
        raise wrong(KEY, f"line {begun} of '{file}' ends within quotes", "close them")


def _words(told: str) -> list[str] | None:
    """None where they end within quotes."""
    try:
        return shlex.split(told)
    except ValueError:
        return None
