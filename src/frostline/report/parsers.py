"""The parsers of `frostline report` and `frostline figures`, which also read the lines of a study.yaml."""

from __future__ import annotations

from collections.abc import Sequence

from frostline.errors import Problem
from frostline.options import OptionParser, add_paths, comma_list, keyless, non_empty

USAGE = "PATH ... [options]"


def report_parser() -> OptionParser:
    """Return the parser of `frostline report`, which also reads the `tables` of a study.yaml."""
    parser = OptionParser("report", "Print a table of the runs below the given folders.", REPORT_EPILOG, USAGE)
    _add_query(parser, "the rows; freezing by default")
    parser.add_argument(
        "--baseline",
        type=comma_list,
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="add differences from that row, paired by seed and split, tested and Holm-corrected",
    )
    parser.add_argument(
        "--ceiling",
        type=comma_list,
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="show the share of the gap closed instead of scores: 0 at the baseline, 1 at that row",
    )
    parser.add_argument(
        "--format",
        type=comma_list,
        action="extend",
        default=[],
        metavar="FORM",
        help="markdown, latex, csv, json, or html: a page with figures and a description of each run",
    )
    parser.add_argument("--into", metavar="FILE", type=non_empty, help="write to this file instead of the screen")
    parser.add_argument(
        "--extra",
        type=comma_list,
        action="extend",
        default=[],
        metavar="KEY",
        help="add a column with the values of a config key, such as the chosen optimizer.lr",
    )
    parser.add_argument("--interval", action="store_true", help="add the 95%% interval of the mean to each cell")
    parser.add_argument("--per-seed", action="store_true", help="print a row for each seed")
    parser.add_argument(
        "--texts",
        action="store_true",
        help="also compare with the baseline text by text, over seeds and texts and by McNemar's test, from "
        "predictions.parquet",
    )
    return parser


REPORT_EPILOG = """\
PATH may also be the results.csv of a study. Its runs, there and in the folders that frostline reproduce has made, have
two more keys: `arm`, and whether the run is `chosen`.
KEY is a config key such as optimizer.lr or a group such as freezing. NAME is a metric of result.json such as
test/accuracy, cost/seconds or parameters/total.

Each cell is the mean and standard deviation over seeds. A cell that lacks seeds, or that averages runs with different
values of a key, says so. Intervals are Student's t intervals, from 3 seeds on. A difference is tested by sign flips
over seeds; with too few seeds for p < 0.05 over seeds and texts, if the run folders have predictions.parquet. The
simulated coverage of both is in experiments/report of the repository.

Warnings below the table name what may make it misleading: missing seeds, failed runs, unequal training, runs from
another commit or on other texts, and config keys that differ but are not shown.
"""


def figures_parser() -> OptionParser:
    """Return the parser of `frostline figures`, which also reads the `figures` of a study.yaml."""
    parser = OptionParser("figures", "Draw figures of the runs below the given folders.", FIGURES_EPILOG, USAGE)
    _add_query(parser, "the arms: one for each row and column; freezing by default")
    parser.add_argument(
        "--format",
        type=comma_list,
        action="extend",
        default=[],
        metavar="FORM",
        help="svg, png or pdf; several separated by commas; svg by default",
    )
    parser.add_argument("--into", metavar="FOLDER", type=non_empty, help="the folder of the files; figures by default")
    return parser


FIGURES_EPILOG = """\
KEY and NAME are as in frostline report. Each figure is drawn if the runs have its data: the table row by row; scores
against trainable parameters, encoder passes and seconds, with the Pareto front; plans; curves over epochs and
training-set sizes with 95% bands; the in-domain against shifted test sets; confusion matrices; reliability diagrams;
embeddings before and after training (from `frostline vectors`); WiSE-FT interpolation. For each figure that is not
drawn the reason is printed. Needs frostline[report].
"""
PARSERS = {"report": report_parser, "figures": figures_parser}


def line_problems(subcommand: str, words: Sequence[str]) -> list[Problem]:
    """Return the problems of a line of `tables` (subcommand report) or `figures` of a study.yaml."""
    given, problems = PARSERS[subcommand]().parse_all(words)
    flags = [f"--{name}" for name in ("where", "baseline", "ceiling") if name in given]
    return [*problems, *(one for flag in flags for one in keyless(flag, getattr(given, flag[2:])))]


def _add_query(parser: OptionParser, rows: str) -> None:
    add_paths(parser, "PATH", "a run folder, any folder above run folders, or the results.csv of a study")
    for flag, metavar, text in (
        ("--rows", "KEY", f"config keys of {rows}; several separated by commas"),
        ("--cols", "KEY", "config keys of the columns"),
        ("--metric", "NAME", "metrics; test/f1_macro by default"),
        ("--where", "KEY=VALUE", "only runs with one of these values, in this order; may be repeated"),
    ):
        parser.add_argument(flag, type=comma_list, action="extend", default=[], metavar=metavar, help=text)
