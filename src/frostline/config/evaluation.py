"""The data set on which a trained model is evaluated: `dataset=...` and `dataset.KEY=...` of a command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from frostline.config import resolvers
from frostline.config.arguments import parse_arguments
from frostline.config.checks.check import check_config
from frostline.config.jobs import as_current, new_composer, unique
from frostline.errors import Problem, UserError
from frostline.types import Config

GROUP = "dataset"
FILE_COLUMNS = ("text_column", "label_column", "multi_label", "label_separator", "separator", "encoding", "quoting")


@dataclass(frozen=True)
class ChosenDataset:
    """A data set of the command line. choice: its name; keys: those of its config that the command sets."""

    choice: str
    config: Config
    keys: frozenset[str]


def choose_dataset(words: Sequence[str], file: str | None = None) -> ChosenDataset:
    """Return the data set that the words of a command choose, or that describes how a file is written.

    words: overrides of `dataset`, and flags such as --config-dir. file: a table, whose texts are not read here.

    Raises:
        UserError: with all problems of the words.
    """
    chosen = [] if file is None else ["dataset=table", f"dataset.train={_quoted(file)}"]
    arguments = parse_arguments([*words, *chosen])
    composer = new_composer(arguments)
    keys = [line.lstrip("+~").partition("=")[0] for line in arguments.overrides]
    do = "give dataset=NAME, or a key of the data set such as dataset.max_test=500"
    problems = [Problem(key, "is no key of a data set", do) for key in keys if key.partition(".")[0] != GROUP]
    if file is not None and keys.count(GROUP) > 1:
        problems.append(Problem(GROUP, f"is given beside the file {file}", "leave out one of them"))
    elif GROUP not in keys:
        problems.append(Problem(GROUP, "is not chosen", "give dataset=NAME, or a csv, tsv, jsonl or parquet file"))
    if problems:
        raise UserError(problems, "command")
    cfg = composer.compose(composer.parse_single_run(arguments.overrides))
    if composer.problems or cfg is None:
        raise UserError(unique(composer.problems))
    with as_current(cfg):
        config, unresolved = resolvers.resolve_config(cfg)
        found = unresolved if file is not None else [*unresolved, *check_config(config)]
        wrong = [problem for problem in found if problem.key.partition(".")[0] == GROUP]
        if wrong:
            raise UserError(unique(wrong))
        choice = resolvers.choices(cfg)[GROUP]
    return ChosenDataset(choice, config[GROUP], frozenset(key.removeprefix(f"{GROUP}.") for key in keys))


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
