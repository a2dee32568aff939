"""frostline reproduce RUN|STUDY ... [--environment recorded] [--tolerance 1e-4]: do it again, and compare.

Of a RUN, config, seeds, texts and the number of threads are those of the record; where the texts are no longer the same
it is refused. `--environment recorded` does it with the recorded versions of all packages, in an environment made for
it.

A STUDY is a folder with a study.yaml, such as experiments/inadequacy: its runs are made in runs/<study>, where what is
complete is not made again, with its results.csv, tables and figures; then the results are compared with those that are
committed.

  --only KEY=VALUE,…  such as encoder=bert_tiny, arm=full or seed=1: a part of the study; may be given again
  --write             into the study's own folder: how a study is made the first time

Results go to ./reproduced; what differs is told as by `diff`. Exit status 1 where results differ.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frostline import options as typed
from frostline.console import say
from frostline.errors import FrostlineError, Problem
from frostline.options import Options
from frostline.reproduce.study.remake import again, is_study
from frostline.reproduce.virtual_environment import KEY, rebuilt
from frostline.results.atomic_files import read_json
from frostline.results.compare.aspects import DIFFERS
from frostline.results.compare.inputs import SAID, complete, tolerance_of
from frostline.results.compare.runs import Comparison
from frostline.results.folder import RunFolder

PRESENT, RECORDED = "present", "recorded"


def main(argv: list[str]) -> int:
    """Raises UserError where a run is not complete, or cannot be done again here."""
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    words = typed.read("reproduce", argv, *typed.FLAGS["reproduce"])
    tolerance = tolerance_of(words)
    studies = [path for path in words.paths if is_study(Path(path))]
    words.problems += _wrong(words, studies)
    runs = complete([path for path in words.paths if path not in studies], words.problems)
    recorded = words.last(KEY, PRESENT) == RECORDED
    verdicts = [_reproduced(run, recorded, tolerance) for run in runs]
    if len(verdicts) > 1:
        print(f"{len(verdicts)} runs: {', '.join(f'{n} {what}' for what, n in Counter(verdicts).items())}")
    only, write = words.pairs("--only"), "--write" in words.switches
    alike = [again(Path(path), only, write, tolerance) for path in studies]
    return int(SAID[DIFFERS] in verdicts or not all(alike))


def _wrong(words: Options, studies: list[str]) -> Iterator[Problem]:
    """Values that there are not, and flags that do not go with what is to be made again."""
    yield from typed.unknown(KEY, "environment", words.given[KEY], [PRESENT, RECORDED])
    if words.paths and not studies:
        given = [*words.switches, *(["--only"] if words.given["--only"] else [])]
        yield from (Problem(flag, "is for studies", "give a folder with a study.yaml") for flag in given)
    if studies and RECORDED in words.given[KEY]:
        yield Problem(KEY, "is for runs", "give the folders of runs of the study")


def _reproduced(record: RunFolder, recorded: bool, tolerance: float) -> str:
    """What came of it, in words."""
    folder = _place(record)
    told = read_json(record.environment)
    say(f"{record.path} again, in {folder.path}")
    _run(record, folder, told, recorded)
    comparison = Comparison(record, folder, tolerance)
    print(comparison.told())
    verdict = SAID[comparison.verdict].format(tolerance=tolerance)
    print(f"{record.path.name}: {verdict}")
    return verdict


def _place(record: RunFolder) -> RunFolder:
    """A new folder, or that of an attempt that came to no end."""
    name, number = record.path.resolve().name, 1
    while (place := RunFolder(Path("reproduced") / (name if number == 1 else f"{name}-{number}"))).result.exists():
        number += 1
    return place


def _run(record: RunFolder, folder: RunFolder, told: dict[str, Any], recorded: bool) -> None:
    python, more = Path(sys.executable), os.environ.get("PYTHONPATH")
    if recorded:
        python, ours = rebuilt(told)
        more = os.pathsep.join(filter(None, [str(ours), more]))  # parts of the user's own are there as ever
    threads = str(told["threads"])
    environ = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    environ = environ | ({"PYTHONPATH": more} if more else {})
    done = subprocess.run(
        [str(python), "-m", "frostline.reproduce.rerun", str(record.path), str(folder.path)], env=environ
    )
    if done.returncode:
        error = FrostlineError(f"{record.path}: it could not be done again; see above")
        error.status = done.returncode if done.returncode in (1, 2) else 1
        raise error
