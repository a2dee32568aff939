"""`frostline evaluate`: score a trained model on another data set or on a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from frostline.config.evaluation import FILE_COLUMNS, ChosenDataset, choose_dataset
from frostline.console import log
from frostline.errors import FrostlineError, Problem, user_error
from frostline.options import OptionParser, add_paths, comma_list
from frostline.results.compare.inputs import complete_runs
from frostline.results.folder import RunFolder
from frostline.results.home_paths import expand_home

NAME = re.compile(r"[\w.-]+")
INHERITED = ("max_test", "case_sensitive")  # keys of dataset that a shifted test set has from its run, too
PARSER = OptionParser(
    "evaluate",
    "Score a trained model on another data set or on a file.",
    """\
The scores, with the calibration error, and the predictions are written beside the run, in RUN/evaluations/test_NAME,
and `frostline report --metric test_NAME/f1_macro` finds them. Of a data set the test part is used, with at most
dataset.max_test texts of the run; of a file all rows, with the columns of the run's data set or those that
dataset.text_column and dataset.label_column name. Texts that are in the training set of the run are left out.
""",
    usage="RUN dataset=NAME|FILE [dataset.KEY=VALUE ...] [options]",
)
add_paths(PARSER, "RUN DATA", "folder of a complete run; a file, or dataset=NAME and further keys of dataset")
PARSER.add_argument(
    "--map", type=comma_list, action="extend", default=[], metavar="OTHER=MINE", help="names of classes that differ"
)
PARSER.add_argument("--name", metavar="NAME", help="of the test set; by default that of the data set or the file")
PARSER.add_argument(
    "--keep-training-texts", action="store_true", help="leave out no text; the training set is not read"
)
PARSER.add_argument("--config-dir", metavar="FOLDER", help="a folder with further data sets, as for a run")


def main(argv: list[str]) -> int:
    """Print the scores, and write them beside the run.

    Raises:
        UserError: the command is wrong, or the data set does not fit the run.
        FrostlineError: the scores cannot be written.
    """
    given, problems = PARSER.parse_all(argv)
    folders = [word for word in given.paths if not _is_override(word)]
    overrides = [word for word in given.paths if _is_override(word)]
    problems += _argument_problems(folders, given.map, given.name)
    (run,) = complete_runs(folders[:1] or ["."], problems)
    file = expand_home(folders[1], folders[1]) if len(folders) > 1 else None
    flags = [] if given.config_dir is None else ["--config-dir", given.config_dir]
    chosen = _with_values_of_run(run, choose_dataset([*flags, *overrides], None if file is None else str(file)), file)
    stem = chosen.choice if file is None else file.stem
    name = "test_" + (given.name or re.sub(r"[^\w.-]+", "_", stem))
    pairs = dict(pair.split("=", 1) for pair in given.map)
    from frostline.export.evaluate_run import evaluate_run

    try:
        record, written = evaluate_run(run, name, chosen.config, file, pairs, given.keep_training_texts)
    except OSError as error:
        raise FrostlineError(
            f"evaluate: {error.filename or run.path}: {error.strerror}; nothing was written"
        ) from error
    for line in summary(name, record):
        log(line)
    print(score_table(record["metrics"]), end="")
    print(f"{run.evaluations / name}{'' if written else ': evaluated before'}")
    return 0


def _is_override(word: str) -> bool:
    return re.match(r"[+~]*dataset[.=]", word) is not None or ("=" in word and not Path(word).exists())


def _argument_problems(folders: Sequence[str], pairs: Sequence[str], name: str | None) -> Iterator[Problem]:
    if not folders:
        yield Problem("evaluate", "names no run", "give frostline evaluate RUN dataset=NAME")
    if len(folders) > 2:
        yield Problem("evaluate", f"takes one run and one file, not {len(folders)} paths", "give RUN FILE")
    for pair in pairs:
        if not all(pair.partition("=")):
            yield Problem("--map", f"'{pair}' is no pair of classes", "give OTHER=MINE")
    if name is not None and not NAME.fullmatch(name):
        yield Problem("--name", f"'{name}' is no name of a test set", "use letters, digits, _, . and -")


def _with_values_of_run(run: RunFolder, chosen: ChosenDataset, file: Path | None) -> ChosenDataset:
    """Return the data set with the keys that it has from the run where the command does not set them."""
    import yaml

    try:
        recorded = yaml.safe_load(run.config.read_text(encoding="utf-8"))["dataset"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise user_error(str(run.config), "cannot be read", "restore the file") from error
    keys = INHERITED if file is None else FILE_COLUMNS
    values = {key: recorded[key] for key in keys if key in recorded and key not in chosen.keys}
    if file is None and values.get("max_test") is not None:
        log(f"at most {values['max_test']:,} texts are used, as in the run; dataset.max_test=null uses all")
    return ChosenDataset(chosen.choice, chosen.config | values, chosen.keys)


def summary(name: str, record: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines on the texts of a test set."""
    data = record["data"]
    dropped = f", without {data['dropped']:,} that are in the training set" if data["dropped"] else ""
    yield f"{name}: {data['texts']:,} texts{dropped}"
    if data["is_test_set"]:
        yield "this is the test set of the run"
    for note in data["notes"]:
        yield f"data: {note['message']}"
    for counts in record["tokens"].values():
        if counts["truncated"]:
            yield f"data: {counts['truncated']:,} texts are truncated to the max_length of the run"
    if data["absent"]:
        yield f"no text has the class {', '.join(data['absent'])}; it counts in f1_macro with an F1 of 0"


def score_table(metrics: Mapping[str, float]) -> str:
    """Return a line for each metric."""
    names = [name.partition("/")[2] for name in metrics]
    width = max(map(len, names), default=0)
    return "".join(f"{name:<{width}}  {value:.4f}\n" for name, value in zip(names, metrics.values(), strict=True))
