"""The folders of runs that a subcommand compares or reads."""

from __future__ import annotations

import json
from collections.abc import Sequence

from frostline.errors import Problem, UserError
from frostline.results.folder import RunFolder
from frostline.results.home_paths import expand_home


def complete_runs(paths: Sequence[str], problems: Sequence[Problem] = ()) -> list[RunFolder]:
    """Return the run in each folder. problems: other mistakes of the command.

    Raises:
        UserError: with these mistakes, and all folders that do not contain a complete run.
    """
    runs, every = [], list(problems)
    for path in paths:
        try:
            run = RunFolder(expand_home(path, path))
        except UserError as error:
            every += error.problems
        else:
            runs.append(run)
            every += _folder_problems(run)
    if every:
        raise UserError(every, "command")
    return runs


def _folder_problems(run: RunFolder) -> list[Problem]:
    key = str(run.path)
    if not run.path.is_dir():
        return [Problem(key, "is no folder", "give that of a run")]
    if not run.result.exists():
        return [Problem(key, "holds no complete run: it has no result.json", "give the folder of one that is complete")]
    missing = [file.name for file in (run.config, run.environment) if not file.exists()]
    if missing:
        return [Problem(key, f"lacks {' and '.join(missing)}", "give a complete run folder")]
    for file in (run.result, run.environment):
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            return [Problem(str(file), f"cannot be read ({error})", "give a complete run folder")]
    return []
