"""The texts on which a trained model is evaluated, with labels that are indices of its classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from frostline.data.build import load_corpus, prepare_corpus, source_of
from frostline.data.checks import some
from frostline.data.copies import TextComparison
from frostline.data.corpus import Corpus, DataNote, Label, Labelled, RawData, Split, counts, is_multi
from frostline.data.files.columns import ColumnSettings
from frostline.data.files.table_files import FileSettings, read_table
from frostline.data.files.table_parts import labelled_parts
from frostline.data.prepare import fingerprint, with_origins
from frostline.errors import UserError, user_error
from frostline.instantiate import make
from frostline.models.trained import TrainedModel
from frostline.results.atomic_files import read_json
from frostline.types import Config


@dataclass(frozen=True)
class EvaluationData:
    """A test set. dropped: the number of texts that were left out, because they are in the training set.

    is_test_set: it is the test set of the run itself, of which no text is left out. absent: classes without a text.
    """

    split: Split
    fingerprint: str
    dropped: int
    is_test_set: bool
    absent: Sequence[str]
    notes: Sequence[DataNote]

    def as_record(self) -> dict[str, Any]:
        """Return the description that evaluation.json stores."""
        return {
            "fingerprint": self.fingerprint,
            "texts": len(self.split),
            "dropped": self.dropped,
            "is_test_set": self.is_test_set,
            "absent": list(self.absent),
            "notes": [asdict(note) for note in self.notes],
        }


class ClassMapping:
    """Names of classes in another data set, and the classes of the run that they are."""

    def __init__(self, pairs: Mapping[str, str], classes: Sequence[str]) -> None:
        self.pairs, self.classes = dict(pairs), list(classes)

    def apply(self, part: Labelled) -> Labelled:
        """Return the part with the names of the run."""
        return replace(part, labels=[self._renamed(label) for label in part.labels])

    def _renamed(self, label: Label) -> Label:
        if isinstance(label, str):
            return self.pairs.get(label, label)
        return tuple(sorted({self.pairs.get(name, name) for name in label}))

    def check(self, parts: Iterable[Labelled]) -> None:
        """Raise UserError if a label is no class of the run, or the mapping has names that nothing has."""
        names = sorted({name for part in parts for name in counts(part.labels)})
        unknown = [name for name in names if self.pairs.get(name, name) not in self.classes]
        unused = sorted(self.pairs.keys() - set(names))
        wrong = sorted({name for name in self.pairs.values() if name not in self.classes})
        if not (unknown or unused or wrong):
            return
        what = f"the data set has the classes {some(names, quote=False)}, the run has {some(self.classes, quote=False)}"
        what += f"; --map names {', '.join([*unused, *wrong])}, which is neither" if unused or wrong else ""
        raise user_error("--map", what, "give --map OTHER=MINE,... for each class whose name differs")


def read_dataset(trained: TrainedModel, dataset: Config, pairs: Mapping[str, str], keep: bool) -> EvaluationData:
    """Return the test part of a data set, prepared as for a run.

    pairs: names of its classes -> those of the run. keep: also the texts that are in the training set of the run.

    Raises:
        UserError: the classes do not fit, or no text is left.
    """
    raw: RawData = make(source_of(dataset)).load()
    mapping = ClassMapping(pairs, trained.classes)
    mapping.check(raw.given().values())
    parts = {name: mapping.apply(part) for name, part in with_origins(raw).given().items()}
    corpus = prepare_corpus(RawData(parts["train"], parts.get("val"), parts.get("test"), raw.notes), dataset)
    _check_kind(trained, corpus.multi_label)
    return _without_training_texts(trained, _reindexed(corpus, trained.classes), corpus.notes, keep)


def read_file(
    trained: TrainedModel, file: Path, dataset: Config, pairs: Mapping[str, str], keep: bool
) -> EvaluationData:
    """Return all texts of a table as a test set. dataset: how the file is written."""
    columns = ColumnSettings(
        dataset["text_column"], dataset["label_column"], dataset["multi_label"], dataset["label_separator"]
    )
    settings = FileSettings(
        columns.names, columns.label_column, dataset["separator"], dataset["encoding"], dataset["quoting"]
    )
    if problems := [*columns.problems(), *settings.problems()]:
        raise UserError(problems)
    table, notes = read_table("FILE", file, settings)
    known = [*trained.classes, *pairs]
    found, notes = labelled_parts({"test": (file.name, table)}, columns, notes, known=known)
    part, mapping = found["test"], ClassMapping(pairs, trained.classes)
    mapping.check([part])
    part = with_origins(RawData(Labelled([], []), test=mapping.apply(part))).test or part
    _check_kind(trained, is_multi(part))
    return _without_training_texts(trained, _indexed(part, trained.classes), notes, keep)


def _check_kind(trained: TrainedModel, multi_label: bool) -> None:
    if multi_label != trained.multi_label:
        kinds = {True: "several labels a text", False: "one label a text"}
        what = f"has {kinds[multi_label]}, and the run was trained on {kinds[trained.multi_label]}"
        raise user_error("dataset", what, "name a data set of the same kind, or give dataset.multi_label")


def _indexed(part: Labelled, classes: Sequence[str]) -> Split:
    index = {name: number for number, name in enumerate(classes)}
    if not is_multi(part):
        return Split(list(part.texts), [index[str(label)] for label in part.labels], part.origins)
    return Split(list(part.texts), [[int(name in label) for name in classes] for label in part.labels], part.origins)


def _reindexed(corpus: Corpus, classes: Sequence[str]) -> Split:
    """Return the test part of a corpus with the indices of other classes, among which are all of its own."""
    rows: list[Any] = list(corpus.test.labels)
    if corpus.multi_label:
        column = {name: number for number, name in enumerate(corpus.classes)}
        rows = [[row[column[name]] if name in column else 0 for name in classes] for row in rows]
    else:
        rows = [list(classes).index(corpus.classes[label]) for label in rows]
    return Split(corpus.test.texts, rows, corpus.test.origins)


def _without_training_texts(
    trained: TrainedModel, split: Split, notes: Sequence[DataNote], keep: bool
) -> EvaluationData:
    """Leave out the texts that are in the training set of the run, unless this is the test set of the run itself."""
    classes, is_test_set, rows = list(trained.classes), False, list(range(len(split)))
    if not keep:
        corpus = training_corpus(trained)
        digests = [fingerprint(classes, [each]) for each in (corpus.test, split)]
        is_test_set = digests[0] == digests[1]
        comparison = TextComparison(trained.config["dataset"].get("case_sensitive", False))
        seen = set() if is_test_set else set(map(comparison.key, corpus.train.texts))
        rows = [row for row in rows if comparison.key(split.texts[row]) not in seen]
    if not rows:
        what = f"all of its {len(split)} test texts are in the training set of the run" if len(split) else "has no text"
        raise user_error("dataset", what, "name a data set with other texts")
    labels: list[Any] = list(split.labels)
    origins = None if split.origins is None else [split.origins[row] for row in rows]
    left = Split([split.texts[row] for row in rows], [labels[row] for row in rows], origins)
    digest = fingerprint(classes, [left])
    return EvaluationData(left, digest, len(split) - len(rows), is_test_set, _absent(left, classes), notes)


def training_corpus(trained: TrainedModel) -> Corpus:
    """Return the data set of the run.

    Raises:
        UserError: it cannot be loaded, or has changed since.
    """
    do = "put it back as it was, or give --keep-training-texts to leave out no text"
    try:
        corpus = load_corpus(trained.config["dataset"])
    except UserError as error:
        what = f"the data set of the run cannot be read, in which texts must be found ({error.problems[0].what})"
        raise user_error(f"{trained.folder.path}: dataset", what, do) from error
    if corpus.fingerprint != read_json(trained.folder.environment)["data"]["fingerprint"]:
        raise user_error(f"{trained.folder.path}: dataset", "the data set of the run has changed since", do)
    return corpus


def _absent(split: Split, classes: Sequence[str]) -> list[str]:
    present: set[int] = set()
    for label in split.labels:
        present |= {label} if isinstance(label, int) else {number for number, has in enumerate(label) if has}
    return [name for number, name in enumerate(classes) if number not in present]
