"""The texts to predict in the rows of a table: which columns have them, and what their cells may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from frostline.data.corpus import Text
from frostline.data.files.cells import is_empty, is_number, without_surrogates
from frostline.data.files.table_files import FileSettings
from frostline.data.files.table_stream import RowChunk, TableStream, open_table
from frostline.errors import Problem, UserError, did_you_mean, user_error
from frostline.results.home_paths import expand_home

TEXT = "text"


def text_columns(models: Sequence[Path], given: Sequence[str] | None, is_pipe: bool) -> Sequence[str]:
    """Return the columns of the texts: those that are given, or of the data sets with which the models were trained.

    is_pipe: the texts are lines of standard input.

    Raises:
        UserError: the data sets have different ones, or not as many as are given.
    """
    recorded = [_recorded_columns(folder) for folder in models]
    known = [columns for columns in recorded if columns]
    if given is None and (different := next((columns for columns in known if columns != known[0]), None)):
        what = f"the runs read the columns {', '.join(known[0])} and {', '.join(different)}"
        raise user_error("--column", what, "name the column of the texts")
    columns = given or (known[0] if known else [TEXT])
    if wrong := next((each for each in known if len(each) != len(columns)), None):
        kinds = {1: "single texts", 2: "pairs of texts"}
        what = f"the run was trained on {kinds[len(wrong)]}, and {', '.join(columns)} has {kinds[len(columns)]}"
        raise user_error("--column", what, "name as many columns as in the data set of the run")
    if is_pipe and len(columns) > 1:
        raise user_error("-", "has one text a line, and the run reads pairs of texts", "give a file")
    return [TEXT] if is_pipe else columns


def _recorded_columns(folder: Path) -> list[str]:
    """Return the text columns of the data set of a run; none for an exported folder, and `text` without columns."""
    import yaml

    config = folder / "config.yaml"
    if not config.exists():
        return []
    column = yaml.safe_load(config.read_text(encoding="utf-8"))["dataset"].get("text_column", TEXT)
    return [column] if isinstance(column, str) else list(column)


def open_texts(file: str, settings: FileSettings, columns: Sequence[str]) -> TableStream:
    """Return the table of a file that has these columns.

    Raises:
        UserError: it has not, or cannot be read.
    """
    table = open_table(expand_home(file, file), replace(settings, names=columns))
    missing = [name for name in columns if name not in table.names]
    if missing:
        known = ", ".join(map(repr, table.names))
        raise UserError(
            [
                Problem("--column", f"{file} has no column {name!r}", did_you_mean(name, table.names, known))
                for name in missing
            ]
        )
    return table


def texts_of_chunk(chunk: RowChunk, columns: Sequence[str]) -> list[Text | None]:
    """Return the text, or the pair of texts, of each row; None where all cells of a row are empty.

    Raises:
        UserError: cells contain something else than texts.
    """
    index = [list(chunk.names).index(name) for name in columns]
    cells = [[without_surrogates(row[i])[0] for i in index] for row in chunk.rows]
    for name, column in zip(columns, zip(*cells, strict=True), strict=True):
        _check_texts(chunk, name, column)
    texts: list[Text | None] = []
    for row in cells:
        if all(map(is_empty, row)):
            texts.append(None)
        elif len(row) == 1:
            texts.append(str(row[0]))
        else:
            first, second = ("" if is_empty(cell) else str(cell) for cell in row)
            texts.append((first, second))
    return texts


def _check_texts(chunk: RowChunk, name: str, column: Sequence[Any]) -> None:
    values = [(row, cell) for row, cell in enumerate(column, start=chunk.first) if not is_empty(cell)]
    if wrong := next(((row, cell) for row, cell in values if not isinstance(cell, str)), None):
        what = f"the column {name!r} contains not only texts but also {type(wrong[1]).__name__} (row {wrong[0]})"
        raise user_error("--column", what, "name the column of the texts")
    is_table = chunk.first == 1 and len(chunk.names) > 1
    if is_table and values and all(is_number(cell) for _, cell in values):
        what = f"the column {name!r} contains numbers, not texts (such as {values[0][1]})"
        raise user_error("--column", what, "name the column of the texts")
