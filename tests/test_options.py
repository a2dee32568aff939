"""The options of subcommands (frostline.options, frostline.report.parsers): every mistake is reported at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from command_line import Command, in_process
from frostline.errors import UserError
from frostline.options import OptionParser, add_only, add_paths, add_tolerance, pairs
from frostline.report.parsers import figures_parser, line_problems, report_parser

frostline = in_process
SUBCOMMANDS = (
    "cache",
    "check",
    "diff",
    "errors",
    "export",
    "figures",
    "list",
    "plan",
    "report",
    "reproduce",
    "status",
    "vectors",
)


def parser() -> OptionParser:
    made = OptionParser("try", "A parser for tests.")
    add_paths(made, "PATH", "paths")
    add_tolerance(made)
    add_only(made)
    made.add_argument("--write", action="store_true")
    return made


def test_paths_and_options_may_be_mixed() -> None:
    given = parser().parse_or_raise(["a", "--tolerance=1e-3", "b", "--only", "seed=1,2", "--only=arm=full", "--write"])
    assert (given.paths, given.tolerance, given.write) == (["a", "b"], 0.001, True)
    assert given.only == ["seed=1", "2", "arm=full"]


def test_the_defaults_are_those_of_the_help() -> None:
    given = parser().parse_or_raise([])
    assert (given.paths, given.tolerance, given.only, given.write) == ([], 1e-4, [], False)


@pytest.mark.parametrize(
    ("words", "problems"),
    [
        (["--tolerance"], ["--tolerance: has no value; give --tolerance NUMBER"]),
        (["--only", "--write"], ["--only: has no value; give --only KEY=VALUE"]),
        (["--only="], ["--only: has no value; give --only KEY=VALUE"]),
        (["--write=yes"], ["--write: takes no value; give --write alone"]),
        (["--tolerance=-1"], ["--tolerance: '-1' is no distance; give a number of at least 0, such as 0.0001"]),
        (["--writ"], ["--writ: no such option of try; did you mean --write?"]),
        (
            ["--writ", "--only", "--tolerance", "x"],
            [
                "--writ: no such option of try; did you mean --write?",
                "--only: has no value; give --only KEY=VALUE",
                "--tolerance: 'x' is no distance; give a number of at least 0, such as 0.0001",
            ],
        ),
    ],
)
def test_all_mistakes_are_reported_at_once(words: list[str], problems: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        parser().parse_or_raise(["path", *words])
    assert list(map(str, caught.value.problems)) == problems


def test_an_item_without_a_key_belongs_to_the_key_before_it() -> None:
    given = report_parser().parse_or_raise(["runs", "--where", "freezing=full,frozen", "--where", "seed=1"])
    assert pairs(given.where) == {"freezing": ["full", "frozen"], "seed": ["1"]}


def test_a_comma_inside_brackets_does_not_split_a_value() -> None:
    given = figures_parser().parse_or_raise(["runs", "--where", "dataset.shifts=[vader_nyt,vader_tweets],full"])
    assert given.where == ["dataset.shifts=[vader_nyt,vader_tweets]", "full"]


def test_a_line_of_a_study_is_checked_like_a_command() -> None:
    assert line_problems("report", ["--rows", "arm", "--where", "chosen=yes"]) == []
    assert list(map(str, line_problems("figures", ["--baseline", "arm=full", "--where", "full"]))) == [
        "--baseline: no such option of figures; choose one of: --rows, --cols, --metric, --where, --format, --into",
        "--where: 'full' names no key; give --where KEY=VALUE, such as freezing=frozen",
    ]


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_each_subcommand_has_a_help(frostline: Command, subcommand: str) -> None:
    for flag in ("-h", "--help"):
        result = frostline(subcommand, flag)
        assert (result.status, result.err) == (0, "")
        assert result.out.startswith(f"usage: frostline {subcommand} ")
        assert flag == "-h" or "--help" in result.out


def test_the_parsers_import_nothing_heavy() -> None:
    code = (
        "import sys; from frostline.report import parsers; parsers.report_parser(); parsers.figures_parser()\n"
        "assert not {'torch', 'numpy', 'hydra', 'yaml', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
