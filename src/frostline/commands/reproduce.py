"""`frostline reproduce`: repeat a run or a study from its record and compare the results."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frostline import options
from frostline.console import log
from frostline.errors import FrostlineError, Problem
from frostline.reproduce.study.remake import is_study, reproduce_study
from frostline.reproduce.virtual_environment import KEY, recorded_environment
from frostline.results.atomic_files import read_json
from frostline.results.compare.aspects import DIFFERS, VERDICT_WORDS
from frostline.results.compare.inputs import complete_runs
from frostline.results.compare.runs import Comparison
from frostline.results.folder import RunFolder

PRESENT, RECORDED = "present", "recorded"
PARSER = options.OptionParser(
    "reproduce",
    "Repeat a run or a study from its record and compare the results.",
    """\
A RUN is repeated in ./reproduced with the config, seeds, texts and number of threads of its record. It is refused if
the texts have changed. With --environment recorded, the recorded versions of all packages are installed into a virtual
environment for it.

A STUDY is a folder with a study.yaml, such as experiments/inadequacy. Its runs are made in runs/<study>, where complete
runs are not repeated, and its results.csv, tables and figures in ./reproduced. The results are then compared with the
committed ones. The exit status is 1 if results differ.
""",
)
options.add_paths(PARSER, "RUN|STUDY", "folders of complete runs, and of studies")
options.add_tolerance(PARSER)
PARSER.add_argument(
    KEY,
    type=options.comma_list,
    action="extend",
    default=[],
    metavar="NAME",
    help="present (default) or recorded: which versions of packages repeat a run",
)
options.add_only(PARSER)
PARSER.add_argument("--write", action="store_true", help="write into the folder of the study itself")


def main(argv: list[str]) -> int:
    """Repeat runs and studies; return 1 if a result differs.

    Raises:
        UserError: a run is not complete, or cannot be repeated on this machine.
    """
    given, problems = PARSER.parse_all(argv)
    studies = [path for path in given.paths if is_study(Path(path))]
    problems += _reproduce_problems(given, studies)
    runs = complete_runs([path for path in given.paths if path not in studies], problems)
    recorded = given.environment[-1:] == [RECORDED]
    verdicts = [_repeat(run, recorded, given.tolerance) for run in runs]
    if len(verdicts) > 1:
        print(f"{len(verdicts)} runs: {', '.join(f'{n} {verdict}' for verdict, n in Counter(verdicts).items())}")
    equal = [reproduce_study(Path(path), options.pairs(given.only), given.write, given.tolerance) for path in studies]
    return int(VERDICT_WORDS[DIFFERS] in verdicts or not all(equal))


def _reproduce_problems(given: Namespace, studies: list[str]) -> Iterator[Problem]:
    """Yield wrong values, and options that do not apply to what is repeated."""
    yield from options.no_paths("reproduce", given.paths)
    yield from options.keyless("--only", given.only)
    yield from options.unknown(KEY, "environment", given.environment, [PRESENT, RECORDED])
    if given.paths and not studies:
        flags = [flag for flag, value in (("--write", given.write), ("--only", given.only)) if value]
        yield from (Problem(flag, "is for studies", "give a folder with a study.yaml") for flag in flags)
    if studies and RECORDED in given.environment:
        yield Problem(KEY, "is for runs", "give the folders of runs of the study")


def _repeat(record: RunFolder, recorded: bool, tolerance: float) -> str:
    """Repeat one run, print the comparison, and return the verdict in words."""
    folder = _new_folder(record)
    environment = read_json(record.environment)
    log(f"repeating {record.path} in {folder.path}")
    _run_again(record, folder, environment, recorded)
    comparison = Comparison(record, folder, tolerance)
    print(comparison.report())
    verdict = VERDICT_WORDS[comparison.verdict].format(tolerance=tolerance)
    print(f"{record.path.name}: {verdict}")
    return verdict


def _new_folder(record: RunFolder) -> RunFolder:
    """Return the first folder in ./reproduced without a complete run."""
    name, number = record.path.resolve().name, 1
    while (folder := RunFolder(Path("reproduced") / (name if number == 1 else f"{name}-{number}"))).result.exists():
        number += 1
    return folder


def _run_again(record: RunFolder, folder: RunFolder, environment: dict[str, Any], recorded: bool) -> None:
    python, path = Path(sys.executable), os.environ.get("PYTHONPATH")
    if recorded:
        python, package = recorded_environment(environment)
        path = os.pathsep.join(filter(None, [str(package), path]))  # the user's classes stay importable
    threads = str(environment["threads"])
    variables = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    variables = variables | ({"PYTHONPATH": path} if path else {})
    command = [str(python), "-P", "-m", "frostline.reproduce.rerun", str(record.path), str(folder.path)]
    process = subprocess.run(command, env=variables)
    if process.returncode:
        error = FrostlineError(f"{record.path}: it could not be repeated; see above")
        error.status = process.returncode if process.returncode in (1, 2) else 1
        raise error
