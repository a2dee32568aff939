"""frostline check [-m] [KEY=VALUE ...]: every mistake of a command at once, before anything is loaded.

Prints what a run would download. Exit status 2 where something is wrong.
"""

from __future__ import annotations

from frostline.config import jobs as command
from frostline.config.checks.downloads import downloads


def main(argv: list[str]) -> int:
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    jobs = command.jobs(argv)
    searched = jobs[0].search
    if searched:
        print(f"ok: a search of {searched.settings.n_trials} trials, of which the ends of its space are")
    else:
        print(f"ok: {len(jobs)} job{'s' if len(jobs) != 1 else ''}")
    for job in jobs if len(jobs) <= MOST else []:
        print(f"  {job.folder}")
    for line in dict.fromkeys(line for job in jobs for line in downloads(job.config)):
        print(f"  will download {line}")
    return 0


MOST = 20  # folders worth listing
