"""`frostline check`: report every mistake of a command before anything is loaded."""

from __future__ import annotations

from frostline.config import jobs as command
from frostline.config.checks.downloads import downloads
from frostline.config.checks.encoder import checkpoint_problems
from frostline.config.checks.truncation import truncation_lines
from frostline.config.earlier_runs import changed_inputs
from frostline.data.downloads.package_cache import create_cache_folder
from frostline.errors import UserError
from frostline.options import OptionParser

MAX_LISTED = 20  # jobs whose folders are listed
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
    jobs = command.jobs_of_command(words)
    if problems := checkpoint_problems((job.config["encoder"] for job in jobs), needs_answer=False):
        raise UserError(problems)
    files = dict.fromkeys(line for job in jobs for line in downloads(job.config))
    if files:
        create_cache_folder()
    search = jobs[0].search
    if search:
        print(f"ok: a search of {search.settings.n_trials} trials; the corners of its search space are")
    else:
        print(f"ok: {len(jobs)} job{'s' if len(jobs) != 1 else ''}")
    for job in jobs if len(jobs) <= MAX_LISTED else []:
        print(f"  {job.folder}")
    for line in changed_inputs(jobs):
        print(f"  {line}")
    for file in files:
        print(f"  will download {file}")
    for line in truncation_lines([job.config for job in jobs]):
        print(f"  {line}")
    return 0
