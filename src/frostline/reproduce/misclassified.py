"""The misclassified texts of a complete run: its recorded predictions, joined to the texts of its data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from frostline.data.build import load_corpus, load_shifts
from frostline.data.corpus import Corpus, Origin, Split, Text
from frostline.errors import did_you_mean, user_error
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.types import Config

IN_DOMAIN = "test"


@dataclass(frozen=True)
class Mistake:
    """One wrong decision about a text.

    true, predicted: class names. In multi-label data a mistake concerns one class: `predicted` is None if the class was
    not predicted, `true` is None if it was predicted wrongly. confidence: probability of the decision. p_true: that of
    the true class, if there is one. origin: the row of the text in the data set; id: its index in the test set.
    """

    id: int
    origin: Origin | None
    text: Text
    true: str | None
    predicted: str | None
    confidence: float
    p_true: float | None


@dataclass(frozen=True)
class Mistakes:
    """The mistakes of a run on a test set, the most confident first.

    texts: number of texts of the set. wrong: number of texts with at least one mistake.
    """

    test_set: str
    mistakes: Sequence[Mistake]
    texts: int
    wrong: int

    def by_pair(self) -> list[tuple[tuple[str | None, str | None], list[Mistake]]]:
        """Return the mistakes of each pair (true class, predicted class), the most frequent pair first."""
        pairs: dict[tuple[str | None, str | None], list[Mistake]] = defaultdict(list)
        for mistake in self.mistakes:
            pairs[mistake.true, mistake.predicted].append(mistake)
        return sorted(pairs.items(), key=lambda item: -len(item[1]))


def find_mistakes(run: RunFolder, test_set: str = IN_DOMAIN) -> Mistakes:
    """Return the wrong predictions for a test set, with the texts that are read again from the data set.

    Raises:
        UserError: the run has no predictions for the set, or its texts cannot be read or have changed.
    """
    ids, labels, probabilities = _read_predictions(run, test_set)
    split, classes = _read_texts(run, test_set)
    thresholds = read_json(run.result).get("thresholds")
    if thresholds is None:
        predicted = probabilities.argmax(axis=1)
        wrong = np.flatnonzero(predicted != np.array(labels))
        found = [_mistake(split, classes, ids[i], labels[i], predicted[i], probabilities[i]) for i in wrong]
    else:
        true = np.zeros(probabilities.shape, dtype=bool)
        for row, label in zip(true, labels, strict=True):
            row[list(label)] = True
        decided = probabilities.astype(np.float64) >= np.array([thresholds[name] for name in classes])
        wrong = np.flatnonzero((decided != true).any(axis=1))
        found = list(_multi_label_mistakes(split, classes, ids, true, decided, probabilities))
    found.sort(key=lambda mistake: (-mistake.confidence, mistake.id))
    return Mistakes(test_set, found, len(ids), len(wrong))


def _mistake(split: Split, classes: Sequence[str], text: int, true: int, predicted: int, row: Any) -> Mistake:
    names, values = (classes[true], classes[predicted]), (float(row[predicted]), float(row[true]))
    return Mistake(int(text), _origin(split, text), split.texts[text], *names, *values)


def _multi_label_mistakes(
    split: Split, classes: Sequence[str], ids: Sequence[int], true: Any, decided: Any, probabilities: Any
) -> Iterator[Mistake]:
    for i, c in zip(*np.nonzero(true != decided), strict=True):
        text, name, p = int(ids[i]), classes[c], float(probabilities[i, c])
        missed = bool(true[i, c])
        names = (name, None) if missed else (None, name)
        values = (1 - p, p) if missed else (p, None)
        yield Mistake(text, _origin(split, text), split.texts[text], *names, *values)


def _origin(split: Split, text: int) -> Origin | None:
    return None if split.origins is None else split.origins[text]


def _read_predictions(run: RunFolder, test_set: str) -> tuple[list[int], list[Any], NDArray[np.float32]]:
    """Return ids (N,), labels (N,), lists of classes for multi-label texts, and probabilities (N, C)."""
    from pyarrow import ArrowException, compute, parquet

    key = str(run.predictions)
    try:
        names = [n for n in parquet.read_schema(run.predictions).names if n[:2] == "p_" and n[2:].isdecimal()]
        names.sort(key=lambda name: int(name[2:]))
        table = parquet.read_table(run.predictions, columns=["set", "id", "label", *names])
    except (OSError, ArrowException) as error:
        raise user_error(key, "cannot be read", "give a run that has its predictions") from error
    if test_set not in (known := compute.unique(table["set"]).to_pylist()):
        raise user_error("--set", f"the run has no test set {test_set!r}", did_you_mean(test_set, known))
    rows = table.filter(compute.equal(table["set"], test_set))
    probabilities = np.stack([rows[name].to_numpy() for name in names], axis=1)
    return rows["id"].to_pylist(), rows["label"].to_pylist(), probabilities


def _read_texts(run: RunFolder, test_set: str) -> tuple[Split, Sequence[str]]:
    """Return the texts of a test set and the class names, after a comparison with the fingerprint of the record."""
    dataset: Config = yaml.safe_load(run.config.read_text(encoding="utf-8"))["dataset"]
    recorded = read_json(run.environment)["data"]
    corpus = load_corpus(dataset)
    if test_set == IN_DOMAIN:
        split, now, before = corpus.test, corpus.fingerprint, recorded["fingerprint"]
    else:
        split, now, before = _shifted(dataset, corpus, recorded, test_set)
    if now != before:
        what = f"the texts are not those that the run was tested on (fingerprint {before[:12]}, now {now[:12]})"
        raise user_error("dataset", what, "put the data set back as it was, or repeat the run")
    return split, recorded["classes"]


def _shifted(dataset: Config, corpus: Corpus, recorded: Any, test_set: str) -> tuple[Split, str, str]:
    shift = load_shifts(dataset, corpus)[test_set]
    return shift.split, shift.fingerprint, recorded["shifts"][test_set]["fingerprint"]
