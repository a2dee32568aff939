"""A command that has been checked: the folders of its jobs, and what they would download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from frostline.config.arguments import Arguments
from frostline.config.checks.downloads import downloads
from frostline.config.checks.encoder import checkpoint_problems
from frostline.config.checks.reused_parts import class_problems_of_heads
from frostline.config.checks.table_texts import read_tables
from frostline.config.checks.truncation import truncation_lines
from frostline.config.earlier_runs import changed_inputs
from frostline.config.jobs import Job, checked_jobs
from frostline.data.downloads.package_cache import create_cache_folder
from frostline.errors import UserError

MAX_LISTED = 20  # jobs whose folders are listed


@dataclass(frozen=True, repr=False)
class CheckedCommand:
    """A command without mistakes. It prints as `frostline check` prints it.

    Attributes:
        jobs: its runs; of a search, the corners of the search space.
        downloads: a line for each file that a run would download.
        notes: a line for each local file that has changed since an earlier run, for each note on a table of the user,
            and for texts that are truncated.
    """

    jobs: Sequence[Job]
    downloads: Sequence[str]
    notes: Sequence[str]

    @property
    def folders(self) -> list[Path]:
        """The folders of the runs."""
        return [job.folder for job in self.jobs]

    def __repr__(self) -> str:
        search = self.jobs[0].search
        if search:
            title = f"ok: a search of {search.settings.n_trials} trials; the corners of its search space are"
        else:
            title = f"ok: {len(self.jobs)} job{'s' if len(self.jobs) != 1 else ''}"
        folders = map(str, self.folders if len(self.jobs) <= MAX_LISTED else [])
        lines = [*folders, *(f"will download {file}" for file in self.downloads), *self.notes]
        return "\n".join([title, *(f"  {line}" for line in lines)])


def check_command(arguments: Arguments) -> CheckedCommand:
    """Check the jobs of a command before anything is loaded.

    Raises:
        UserError: with all mistakes of all jobs.
    """
    jobs = checked_jobs(arguments)
    tables, configs = read_tables([job.config["dataset"] for job in jobs]), [job.config for job in jobs]
    problems = [*tables.problems, *checkpoint_problems(configs, needs_answer=False)]
    if problems := problems or class_problems_of_heads(configs):
        raise UserError(problems)
    files = list(dict.fromkeys(line for job in jobs for line in downloads(job.config)))
    if files:
        create_cache_folder()
    texts = [tables.texts_of(job.config["dataset"]) for job in jobs]
    truncated = truncation_lines([job.config for job in jobs], texts)
    return CheckedCommand(jobs, files, [*changed_inputs(jobs), *tables.note_lines(), *truncated])
