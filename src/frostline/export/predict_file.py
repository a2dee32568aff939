"""Predictions for the texts of a file or of standard input, written as they are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frostline.console import Progress, log
from frostline.data.files.line_stream import read_lines
from frostline.data.files.table_files import FileSettings
from frostline.data.files.table_stream import RowChunk, TableStream
from frostline.errors import user_error
from frostline.export.open_model import open_model
from frostline.export.prediction_file import Columns, RowWriter, SeparatedWriter, open_writer
from frostline.export.predictor import class_names
from frostline.export.predictor_group import PredictorGroup, TextModel
from frostline.export.text_columns import TEXT, open_texts, text_columns, texts_of_chunk

STANDARD_INPUT = "-"
VECTOR, ROW = "vector", "row"


@dataclass(frozen=True)
class PredictionJob:
    """What is predicted, and where it is written.

    models: folders of runs, or of transformers. file: of the texts, or `-`. columns: of the texts; None: those of the
    run's data set. into: a new file, or None for csv on `output`. vectors: a new parquet file.
    """

    models: Sequence[Path]
    file: str
    columns: Sequence[str] | None = None
    into: Path | None = None
    vectors: Path | None = None
    trust_remote_code: bool = False
    settings: FileSettings = field(default_factory=FileSettings)


@dataclass
class Counts:
    """Numbers of texts: all, without a text, and truncated by any of the models; and the first row without one."""

    texts: int = 0
    empty: int = 0
    truncated: int = 0
    first_empty: int = 0


def predict_file(job: PredictionJob, output: Any, descriptor: int) -> None:
    """Write the predictions of all models. output: standard output; descriptor: that of standard input.

    Raises:
        UserError: a model cannot be loaded, or the file cannot be read.
        OSError: the predictions cannot be written.
    """
    columns = text_columns(job.models, job.columns, job.file == STANDARD_INPUT)
    table = None if job.file == STANDARD_INPUT else open_texts(job.file, job.settings, columns)
    names = [TEXT] if table is None else list(table.names)
    models = [open_model(path, job.trust_remote_code) for path in job.models]
    group, prefixes = PredictorGroup(models), model_prefixes(job.models)
    if job.vectors is not None:
        _check_vectors(models)
    new = {name: kind for model, prefix in zip(models, prefixes, strict=True) for name, kind in added(model, prefix)}
    if taken := [name for name in new if name in names]:
        raise user_error(job.file, f"it has a column {taken[0]!r}, which would be added", "rename or remove it")
    counts = Counts()
    chunks = _line_chunks(descriptor, group.window) if table is None else table.chunks(group.window)
    with ExitStack() as stack:
        stream = TableStream(Path(STANDARD_INPUT), job.settings, names) if table is None else table
        if job.into is None:
            writer: RowWriter = SeparatedWriter(output, ",", [*names, *new])
        else:
            writer = stack.enter_context(open_writer(job.into, stream, new))
        vectors = _Vectors(job.vectors, group, prefixes, stack) if job.vectors else None
        bar = stack.enter_context(Progress("predicting", None if table is None else table.rows))
        for chunk in chunks:
            _predict_chunk(chunk, columns, group, prefixes, writer, vectors, counts, list(new))
            bar.update(len(chunk.rows))
    report(counts)


def _predict_chunk(
    chunk: RowChunk,
    columns: Sequence[str],
    group: PredictorGroup,
    prefixes: Sequence[str],
    writer: RowWriter,
    vectors: _Vectors | None,
    counts: Counts,
    new: Sequence[str],
) -> None:
    texts = texts_of_chunk(chunk, columns)
    rows = [index for index, text in enumerate(texts) if text is not None]
    added: dict[str, Sequence[Any]] = {name: [None] * len(texts) for name in new}
    counts.texts += len(texts)
    if len(rows) < len(texts):
        counts.first_empty = counts.first_empty or chunk.first + texts.index(None)
        counts.empty += len(texts) - len(rows)
    if rows:
        predictions = group.predict_window([text for text in texts if text is not None], vectors is not None)
        counts.truncated += max(each.truncated for each in predictions)
        for model, prefix, each in zip(group.models, prefixes, predictions, strict=True):
            predicted = class_names(each.probabilities, model.classes, model.thresholds)
            columns_of = [predicted, *each.probabilities.T]
            for name, values in zip(_names(model, prefix), columns_of, strict=True):
                added[name] = _spread(values, rows, len(texts))
        if vectors is not None:
            vectors.append_vectors(chunk, rows, [each.vectors for each in predictions])
    elif vectors is not None:
        vectors.append_vectors(chunk, rows, [None] * len(prefixes))
    writer.append_rows(chunk, added)


def _line_chunks(descriptor: int, size: int) -> Iterator[RowChunk]:
    first = 1
    for lines in read_lines(descriptor, size):
        yield RowChunk([TEXT], [[line] for line in lines], first)
        first += len(lines)


def model_prefixes(paths: Sequence[Path]) -> list[str]:
    """Return what comes before the column names of each model: nothing for a single one, else its folder and `/`."""
    if len(paths) == 1:
        return [""]
    names = [path.resolve().name for path in paths]
    return [f"{name if names.count(name) == 1 else path}/" for name, path in zip(names, paths, strict=True)]


def added(model: TextModel, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the kind of each column that is added for a model."""
    names = _names(model, prefix)
    yield names[0], "text" if model.thresholds is None else "texts"
    yield from ((name, "float32") for name in names[1:])


def _names(model: TextModel, prefix: str) -> list[str]:
    return [f"{prefix}predicted", *(f"{prefix}p({name})" for name in model.classes)]


def _spread(values: Sequence[Any], rows: Sequence[int], count: int) -> Sequence[Any]:
    """Return `count` values: those of the rows, None elsewhere."""
    if len(rows) == count:
        return values
    spread: list[Any] = [None] * count
    for row, value in zip(rows, values, strict=True):
        spread[row] = value
    return spread


def _check_vectors(models: Sequence[TextModel]) -> None:
    for model in models:
        check: Any = getattr(model, "check_has_vectors", None)
        if check is None:
            raise user_error("--vectors", "is for runs, not for folders of transformers", "give the folder of a run")
        check()


class _Vectors:
    """The parquet file of the vectors: the number of each row, and a column for each distinct encoder."""

    def __init__(self, path: Path, group: PredictorGroup, prefixes: Sequence[str], stack: ExitStack) -> None:
        self.first = [indices[0] for indices in group.encoders]
        models: list[Any] = [group.models[index] for index in self.first]
        labels = [VECTOR] if len(models) == 1 else [f"{prefixes[index]}{VECTOR}" for index in self.first]
        kinds = [f"float32*{int(model.model.encoder.width)}" for model in models]
        self.names = labels
        table = TableStream(path, FileSettings(), [])
        self.writer = stack.enter_context(
            open_writer(path, table, {ROW: "int64", **dict(zip(labels, kinds, strict=True))})
        )

    def append_vectors(self, chunk: RowChunk, rows: Sequence[int], vectors: Sequence[Any]) -> None:
        count = len(chunk.rows)
        numbers: Columns = {ROW: range(chunk.first, chunk.first + count)}
        spread = {
            name: _spread([] if vectors[index] is None else list(vectors[index]), rows, count)
            for name, index in zip(self.names, self.first, strict=True)
        }
        self.writer.append_rows(RowChunk([], [[]] * count, chunk.first), {**numbers, **spread})


def report(counts: Counts) -> None:
    """Print how many texts were truncated and how many rows have no text."""
    if counts.truncated:
        log(f"predict: {counts.truncated:,} of {counts.texts:,} texts are truncated to the max_length of the model")
    if counts.empty:
        rows = f"{counts.empty:,} of {counts.texts:,} rows have no text and no prediction"
        log(f"predict: {rows} (the first is row {counts.first_empty})")
