"""What a command's own tables contain, read before a run as the run reads them: their texts, and notes on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from frostline.config.checks.dataset import make_dataset
from frostline.data.build import load_corpus
from frostline.data.corpus import DataNote, Text
from frostline.data.files.first_rows import first_texts
from frostline.errors import Problem, UserError
from frostline.results.home_paths import expand_home
from frostline.types import Config

TABLE = "frostline.data.datasets.table.Table"
MOST_TABLES = 8  # that are read, so that a large sweep is checked quickly
LARGE_BYTES = 20_000_000  # of a larger table only the first rows are read, without notes
OF_BATCHES = ("batch_size", "max_length", "shifts", "shifted")  # keys that change no text of the data set


@dataclass
class TableTexts:
    """The texts and notes of each table that was read, by the config of the data set, and what is wrong with them."""

    texts: dict[str, Sequence[Text]] = field(default_factory=dict)
    notes: dict[str, Sequence[DataNote]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def texts_of(self, dataset: Config) -> Sequence[Text] | None:
        """Return the texts of a data set, or None if it is no table that was read."""
        return self.texts.get(_key(dataset))

    def note_lines(self) -> list[str]:
        """Return a line for each note, with the file where the notes of several tables differ."""
        files = {json.loads(key)["train"] for key in self.notes}
        lines = []
        for key, notes in self.notes.items():
            where = f" ({Path(json.loads(key)['train']).name})" if len(files) > 1 else ""
            lines += [f"data{where}: {note.message}" for note in notes]
        return list(dict.fromkeys(lines))


def read_tables(datasets: Sequence[Config]) -> TableTexts:
    """Read the tables among data sets whose own check has found no problem."""
    found = TableTexts()
    for dataset in datasets:
        key = _key(dataset)
        if dataset["_target_"] == TABLE and key not in found.texts and len(found.texts) < MOST_TABLES:
            try:
                found.texts[key], found.notes[key] = _read(dataset)
            except UserError as error:
                found.texts[key] = ()
                found.problems += error.problems
    found.problems = list(dict.fromkeys(found.problems))
    return found


def _read(dataset: Config) -> tuple[Sequence[Text], Sequence[DataNote]]:
    file = expand_home(dataset["train"], "dataset.train")
    if file.stat().st_size > LARGE_BYTES:
        table = make_dataset(dataset)
        try:
            return first_texts(file, table.columns, table.format), ()
        except UserError:  # they end within a cell
            return (), ()
    corpus = load_corpus(dataset)
    return [text for split in (corpus.train, corpus.val, corpus.test) for text in split.texts], corpus.notes


def _key(dataset: Config) -> str:
    return json.dumps({k: v for k, v in dataset.items() if k not in OF_BATCHES}, sort_keys=True, default=str)
