"""`frostline predict`: predict the classes of new texts with trained models."""

from __future__ import annotations

import errno
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path

from frostline.errors import FrostlineError, Problem, UserError
from frostline.options import OptionParser, add_paths, comma_list, unwritable
from frostline.results.home_paths import expand_home

STANDARD_INPUT = "-"
ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")
PARSER = OptionParser(
    "predict",
    "Predict the classes of the texts in a file, or of each line of standard input.",
    """\
RUN is the folder of a complete run, or one that `frostline export` has written for transformers. FILE is a csv, tsv,
jsonl or parquet file, or - for standard input with one text a line. All columns are written in their order, followed by
`predicted` and `p(CLASS)` for each class, as csv to standard output or into a new file. The columns of several runs
begin with the name of the run; runs with the same frozen encoder share one pass of it. Rows without a text have no
prediction. Memory does not grow with the number of texts.
""",
    usage="RUN [RUN ...] FILE|- [options]",
)
add_paths(PARSER, "RUN FILE", "folders of runs, then the file with the texts")
PARSER.add_argument("--column", type=comma_list, metavar="NAME", help="column of the texts, or A,B for pairs of texts")
PARSER.add_argument("--into", metavar="FILE", help="a new csv, tsv, jsonl or parquet file, in place of standard output")
PARSER.add_argument("--vectors", metavar="FILE", help="a new parquet file for the pooled vectors of the texts")
PARSER.add_argument("--encoding", metavar="NAME", help="of a csv, tsv or jsonl file, such as cp1252; UTF-8 by default")
PARSER.add_argument("--separator", metavar="CHARACTER", help="between the cells of a csv or tsv file, or tab")
PARSER.add_argument("--trust-remote-code", action="store_true", help="run the modelling file of an exported folder")


def main(argv: list[str]) -> int:
    """Write the predictions.

    Raises:
        UserError: the command line, a model or the file is wrong.
        FrostlineError: the predictions cannot be written.
    """
    given, problems = PARSER.parse_all(argv)
    problems += _argument_problems(given)
    if problems:
        raise UserError(problems, "command")
    from frostline.data.files.table_files import FileSettings
    from frostline.export.predict_file import PredictionJob, predict_file

    *models, file = given.paths
    settings = FileSettings((), None, given.separator, given.encoding)
    if problems := [_renamed(problem) for problem in settings.problems()]:
        raise UserError(problems, "command")
    into, vectors = (None if name is None else expand_home(name, "--into") for name in (given.into, given.vectors))
    folders = [expand_home(model, model) for model in models]
    job = PredictionJob(folders, file, given.column, into, vectors, given.trust_remote_code, settings)
    descriptor = sys.stdin.fileno() if file == STANDARD_INPUT else -1
    try:
        predict_file(job, sys.stdout, descriptor)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritten(error) from error
    return 0


def _argument_problems(given: Namespace) -> Iterator[Problem]:
    if len(given.paths) < 2:
        what = f"needs a run and a file, and has {'only ' + given.paths[0] if given.paths else 'neither'}"
        yield Problem("predict", what, "give frostline predict RUN FILE, or - for standard input")
    if given.column and len(given.column) > 2:
        yield Problem("--column", f"names {len(given.column)} columns", "name one, or two for pairs of texts")
    yield from _file_problems("--into", given.into, ENDINGS)
    yield from _file_problems("--vectors", given.vectors, ENDINGS[-1:])
    for model in given.paths[:-1]:
        try:
            yield from _folder_problems(expand_home(model, model))
        except UserError as error:
            yield from error.problems


def _file_problems(flag: str, name: str | None, endings: Sequence[str]) -> Iterator[Problem]:
    if name is None:
        return
    try:
        path = expand_home(name, flag)
    except UserError as error:
        yield from error.problems
        return
    if path.suffix.lower() not in endings:
        yield Problem(flag, f"{name} has an unknown ending", "use one of: " + ", ".join(endings))
    if path.is_file():
        yield Problem(flag, f"{name} exists already", "remove it, or name a new file")
    elif not path.parent.is_dir():
        yield Problem(flag, f"there is no folder {path.parent}", "create it, or name another file")
    yield from unwritable(flag, str(path), folder=False)


def _folder_problems(folder: Path) -> Iterator[Problem]:
    if not folder.is_dir():
        yield Problem(str(folder), "is no folder", "give that of a complete run")
    elif not any((folder / name).exists() for name in ("result.json", "config.json")):
        what = "contains no complete run: it has no result.json"
        yield Problem(str(folder), what, "give the folder of one that is complete, or an exported folder")


def _renamed(problem: Problem) -> Problem:
    """Return a problem of the settings of a data set, as one of the option with the same name."""
    return Problem(problem.key.replace("dataset.", "--"), problem.what, problem.do)


def _unwritten(error: OSError) -> FrostlineError:
    where = f" {error.filename}" if error.filename else ""
    if error.errno == errno.EEXIST:
        return UserError(Problem(str(error.filename), "exists already", "remove it, or name a new file"), "command")
    return FrostlineError(f"predict:{where} {error.strerror}; nothing was written into the file")
