"""`frostline errors`: print the misclassified texts of a run, the most confident first."""

from __future__ import annotations

import argparse
import csv
import io
import shutil
import sys
from collections.abc import Iterator, Sequence

from frostline.data.corpus import Text
from frostline.errors import Problem
from frostline.options import OptionParser, add_paths, no_paths
from frostline.report.warnings.warning import format_count
from frostline.reproduce.misclassified import IN_DOMAIN, Mistake, Mistakes, find_mistakes
from frostline.results.compare.inputs import complete_runs

FORMATS = ("text", "csv")
WIDTH = 120  # of a line, where the output is no terminal
NARROWEST = 20  # part of a text that is shown in any case


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no count; give an integer of at least 1")
    return int(text)


PARSER = OptionParser(
    "errors",
    "Print the misclassified texts of a run, by pair of true and predicted class, the most confident first.",
    """\
The texts are read again from the data set of the run, which must not have changed. Part and row are those of the data
set: row 1 is the first below a header. In multi-label data each class of a text that is missed or predicted wrongly
counts as one mistake. `--format csv` prints all mistakes with their whole texts.
""",
)
add_paths(PARSER, "RUN", "the folder of a complete run")
PARSER.add_argument("--top", type=_count, default=3, metavar="N", help="texts of each pair of classes; 3 by default")
PARSER.add_argument("--pairs", type=_count, default=10, metavar="N", help="pairs of classes; 10 by default")
PARSER.add_argument("--set", default=IN_DOMAIN, metavar="NAME", help=f"the test set; {IN_DOMAIN} by default")
PARSER.add_argument("--format", choices=FORMATS, default="text", metavar="FORMAT", help=" or ".join(FORMATS))


def main(argv: list[str]) -> int:
    """Print the mistakes of one run.

    Raises:
        UserError: the run is not complete, or its texts cannot be read or have changed.
    """
    given, problems = PARSER.parse_all(argv)
    problems += no_paths("errors", given.paths)
    if len(given.paths) > 1:
        problems.append(Problem("errors", f"takes one run, not {len(given.paths)}", "give one folder"))
    (run,) = complete_runs(given.paths, problems)
    mistakes = find_mistakes(run, given.set)
    text = as_csv(mistakes) if given.format == "csv" else "\n".join(lines(mistakes, given.top, given.pairs)) + "\n"
    sys.stdout.write(_printable(text))
    return 0


def lines(found: Mistakes, top: int, pairs: int) -> Iterator[str]:
    """Yield a line on all texts, then for each pair of classes a title and its most confident texts."""
    share = f" ({found.wrong / found.texts:.1%})" if found.texts else ""
    yield f"{found.wrong:,} of {found.texts:,} texts of {found.test_set} are misclassified{share}"
    groups = found.by_pair()
    for (true, predicted), mistakes in groups[:pairs]:
        yield ""
        yield f"{_pair(true, predicted)}: {format_count(len(mistakes), 'text')}"
        yield from _table(mistakes[:top])
        if len(mistakes) > top:
            yield f"  and {len(mistakes) - top} more"
    if len(groups) > pairs:
        left = sum(len(mistakes) for _, mistakes in groups[pairs:])
        yield ""
        yield f"{format_count(len(groups) - pairs, 'further pair')} of classes, {format_count(left, 'mistake')} in all"


def as_csv(found: Mistakes) -> str:
    """Return a line for each mistake, the most confident first, with the whole text."""
    is_pair = any(not isinstance(mistake.text, str) for mistake in found.mistakes)
    texts = ["first_text", "second_text"] if is_pair else ["text"]
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(["part", "row", "id", "true_class", "predicted_class", "confidence", "p_true", *texts])
    for m in found.mistakes:
        origin = ("", "") if m.origin is None else m.origin
        parts = [m.text] if isinstance(m.text, str) else m.text
        writer.writerow([*origin, m.id, m.true, m.predicted, m.confidence, m.p_true, *parts])
    return content.getvalue()


def _pair(true: str | None, predicted: str | None) -> str:
    if predicted is None:
        return f"{true} is not predicted"
    return f"{predicted} is predicted wrongly" if true is None else f"{true} -> {predicted}"


def _table(mistakes: Sequence[Mistake]) -> Iterator[str]:
    rows = [(f"{m.confidence:.3f}", *(("-", "-") if m.origin is None else map(str, m.origin))) for m in mistakes]
    titles = ("confidence", "part", "row")
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    room = max(shutil.get_terminal_size((WIDTH, 1)).columns - sum(widths) - 10, NARROWEST)
    yield f"  {_aligned(titles, widths)}  text"
    for row, mistake in zip(rows, mistakes, strict=True):
        yield f"  {_aligned(row, widths)}  {_shortened(mistake.text, room)}"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    confidence, part, row = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return f"{confidence}  {part.strip().ljust(widths[1])}  {row}"


def _shortened(text: Text, room: int) -> str:
    """Return the beginning of a text in one line, without control characters."""
    parts = [text] if isinstance(text, str) else text
    words = " | ".join(" ".join(part.split()) for part in parts)
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words)
    return line if len(line) <= room else line[: room - 3] + "..."


def _printable(text: str) -> str:
    """Return the text with escapes for what the encoding of standard output lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
