"""A study made, or made again and compared with what was committed of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from frostline.console import log
from frostline.errors import Problem, UserError
from frostline.report.read import results_csv as results
from frostline.report.read.runs import RunRecord
from frostline.report.read.yaml_sections import UnreadableError
from frostline.reproduce.study import compare as likeness
from frostline.reproduce.study import outcome
from frostline.reproduce.study.attempts import Attempts, Limits
from frostline.reproduce.study.cells import limited
from frostline.reproduce.study.make import make
from frostline.reproduce.study.study import FILE, RESULTS
from frostline.reproduce.study.study_yaml import Reader


def is_study(folder: Path) -> bool:
    return (folder / FILE).is_file()


def again(folder: Path, limits: Limits, write: bool, tolerance: float) -> bool:
    """Make what is within the limits; whether it came out as it was committed, and whole.

    write: into the study's own folder, and not below reproduced/. What was committed and is not made again stays.

    Raises:
        UserError: with all that is wrong with study.yaml and its runs, before the first of them.
    """
    reader = Reader(folder)
    study = reader.study()
    limited(study, limits)
    attempts, before = Attempts(study, reader.problems, limits), _committed(folder / RESULTS)
    into = folder if write else Path("reproduced") / study.name
    made: list[RunRecord] = []
    for _ in make(attempts):
        made = outcome.collected(attempts, attempts.cells if write else attempts.wanted)
        if made:
            outcome.write(attempts, [*_others(before, made), *made] if write else made, into)
    log(f"{len(made)} runs{f' in {into / RESULTS}' if made else ''}")
    lacking = outcome.lacking(attempts)
    if write and not limits and not lacking and _others(before, made):
        outcome.write(attempts, made, into)  # the study has become another: what it no longer has may go
    for line in lacking:
        print(f"not complete: {line}")
    if not before:
        return not lacking
    made = results.read_results(str(into / RESULTS)) if made else []  # as the committed ones are read
    lines, alike = likeness.compared(likeness.within(before, limits), likeness.within(made, limits), tolerance)
    print("\n".join(lines))
    return alike and not lacking


def _committed(file: Path) -> list[RunRecord]:
    if not file.exists():
        return []
    try:
        return results.read_results(str(file))
    except UnreadableError as error:
        raise UserError(Problem(str(file), str(error), "take it back from git, or delete it"), "study") from error


def _others(before: Sequence[RunRecord], made: Sequence[RunRecord]) -> list[RunRecord]:
    """Such as another machine has made: a part that is written does not take the place of the whole."""
    known = {run.id for run in made}
    return [run for run in before if run.id not in known]
