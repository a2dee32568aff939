"""Lists of jobs that are no grid: a file has the overrides of one job a line, quoted as for a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from omegaconf import DictConfig, OmegaConf

from frostline.config.overrides import Composer
from frostline.errors import Problem, UserError, user_error
from frostline.results.home_paths import expand_home

SWEEPER = "hydra_plugins.frostline_listed.ListedSweeper"
KEY = "hydra.sweeper.file"
MAX_LINES = 50  # of one job; an unclosed quote would take in the rest of the file


def read_jobs(file: str | None) -> list[list[str]]:
    """Return the overrides of each job. Empty lines and lines that begin with # are skipped; quotes may span lines.

    Raises:
        UserError: there is no such file, or a line of it cannot be parsed.
    """
    do = "name a file with the overrides of one job a line, such as freezing=full seed=1"
    if not file:
        raise user_error(KEY, "is not set", do)
    try:
        content = expand_home(file, KEY).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise user_error(KEY, f"'{file}' cannot be read ({reason})", do) from error
    jobs = list(_parse_jobs(file, content.split("\n")))
    if not jobs:
        raise user_error(KEY, f"'{file}' lists no job", do)
    return jobs


def format_jobs(jobs: Iterable[Sequence[str]]) -> str:
    """Return the text that `read_jobs` reads."""
    return "".join(f"{shlex.join(job)}\n" for job in jobs)


def listed_jobs(composer: Composer, cfg: DictConfig) -> list[list[str]]:
    """Return the jobs of the file that a sweep's config names; the composer collects what is wrong with it."""
    try:
        jobs = read_jobs(OmegaConf.select(cfg, KEY))
    except UserError as error:
        composer.problems += error.problems
        return []
    for override in composer.parse(list(dict.fromkeys(line for job in jobs for line in job))):
        if override.is_sweep_override() or override.is_hydra_override():
            what = f"'{override.input_line}' in a list of jobs is not an override of one job"
            do = "write one line for each job, without overrides of hydra"
            composer.problems.append(Problem(override.key_or_group, what, do))
    return [] if composer.problems else jobs


def _parse_jobs(file: str, lines: Sequence[str]) -> Iterator[list[str]]:
    text, first = "", 0
    for number, line in enumerate(lines, 1):
        if not text:
            first = number
            if not line.strip() or line.startswith("#"):
                continue
        text += line
        if (overrides := _split_line(text)) is not None:
            yield overrides
            text = ""
        elif number - first == MAX_LINES:
            break
        else:
            text += "\n"
    if text:
        raise user_error(KEY, f"line {first} of '{file}' ends within quotes", "close them")


def _split_line(text: str) -> list[str] | None:
    """Return the words of a line, or None if it ends within quotes."""
    try:
        return shlex.split(text)
    except ValueError:
        return None
