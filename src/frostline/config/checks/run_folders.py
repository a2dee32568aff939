"""Whether each job can have its run folder, checked before the first job starts; nothing is created."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from frostline.config.earlier_runs import HasFolder, changed_keys
from frostline.config.inputs import describe_input
from frostline.errors import Problem
from frostline.results.folder import RunFolder

ANOTHER_FOLDER = "choose another folder, or leave it out: each run gets a folder"


def folder_problems(jobs: Sequence[HasFolder]) -> list[Problem]:
    """Return the problems of each folder, and those of jobs that would share one."""
    problems = [problem for job in jobs for problem in _job_problems(job)]
    first_jobs: dict[Path, HasFolder] = {}
    for job in jobs:
        first = first_jobs.setdefault(job.folder, job)
        if first.id != job.id:
            what = f"'{job.folder}' is the folder of two different jobs"
            problems.append(Problem("hydra.sweep.subdir", what, "leave it out, or name in it what differs"))
        elif first is not job:
            what = f"'{' '.join(first.overrides)}' and '{' '.join(job.overrides)}' are the same run"
            problems.append(Problem("--multirun", what, "leave one out"))
    return list(dict.fromkeys(problems))


def _job_problems(job: HasFolder) -> list[Problem]:
    if job.folder.parts[:1] and job.folder.parts[0].startswith("~"):
        do = "write the path in full, or set paths.runs, where ~ is the home folder"
        return [Problem("hydra.run.dir", f"'{job.folder}' begins with ~, which Hydra does not expand", do)]
    folder = job.folder.absolute()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        return [Problem("hydra.run.dir", f"'{nearest}' is a file", "choose another folder")]
    if not _is_writable(nearest):
        return [Problem("hydra.run.dir", f"'{nearest}' cannot be written", "choose another folder")]
    return _content_problems(job, folder) if nearest == folder else []


def _content_problems(job: HasFolder, folder: Path) -> list[Problem]:
    """Return a problem unless an existing folder is empty or that of this run."""
    owner = RunFolder(folder).read_job()
    run = owner.get("id")
    if changed := changed_keys(owner, job.config):
        names = " and ".join(f"{describe_input(job.config, key)}" for key in changed)
        return [Problem("hydra.run.dir", f"{names} has changed since the run in '{folder}'", ANOTHER_FOLDER)]
    if run and run != job.id:
        what = f"'{folder}' contains another run ({run}, this one is {job.id})"
        return [Problem("hydra.run.dir", what, ANOTHER_FOLDER)]
    if not run and (folder / "result.json").exists():
        return [Problem("hydra.run.dir", f"'{folder}' contains a result of another run", ANOTHER_FOLDER)]
    if job.config.get("rerun") and (folder / "result.json").exists():
        return [Problem("rerun", f"'{folder}' contains the finished run", "leave hydra.run.dir out")]
    return []


def _is_writable(folder: Path) -> bool:
    """Return whether a file can be created: os.access ignores root, read-only mounts and quotas."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
