"""What the verbs that compare runs are given and say: folders of complete runs, a tolerance, and what came out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from frostline.errors import Problem, UserError
from frostline.results.compare.aspects import ABSENT, DIFFERS, EQUAL, NEAR
from frostline.results.folder import RunFolder

VERDICT_WORDS = {EQUAL: "equal to the bit", NEAR: "within {tolerance:g}", DIFFERS: "different", ABSENT: "absent"}


def complete_runs(paths: Sequence[str], problems: Sequence[Problem] = ()) -> list[RunFolder]:
    """The run in each folder. problems: what else is wrong.

    Raises:
        UserError: with all that is wrong, and all folders that hold no complete run.
    """
    found = [RunFolder(Path(path).expanduser()) for path in paths]
    if every := [*problems, *(problem for run in found for problem in _problems(run))]:
        raise UserError(every, "command")
    return found


def _problems(run: RunFolder) -> list[Problem]:
    key = str(run.path)
    if not run.path.is_dir():
        return [Problem(key, "is no folder", "give that of a run")]
    if not run.result.exists():
        return [Problem(key, "holds no complete run: it has no result.json", "give the folder of one that is complete")]
    lacking = [file.name for file in (run.config, run.environment) if not file.exists()]
    if lacking:
        return [Problem(key, f"lacks {' and '.join(lacking)}", "give a whole run folder")]
    for file in (run.result, run.environment):
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            return [Problem(str(file), f"cannot be read ({error})", "give the folder of a run that is whole")]
    return []
