"""The corpus of a checked config."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from frostline.data.copies import TextComparison
from frostline.data.corpus import Corpus, RawData, Shift
from frostline.data.prepare import prepare
from frostline.data.shifted import shift
from frostline.data.tasks import combine_tasks
from frostline.instantiate import make
from frostline.types import Config, Count


@dataclass(frozen=True)
class TextSettings:
    """Keys of `dataset` that are arguments of neither the data set nor `prepare`."""

    max_length: Count = 128
    batch_size: Count = 32
    shifts: Sequence[str] | None = None
    shifted: Mapping[str, Mapping] | None = None  # type: ignore[type-arg]  # the arguments of any data set


PREPARING = inspect.signature(prepare).parameters.keys() - {"raw"}
READING = {field.name for field in fields(TextSettings)}


def load_corpus(dataset: Config) -> Corpus:
    """Load the data set of a config, and split and cap it; of several tasks each by itself."""
    if dataset.get("tasks") is not None:
        common = _preparing(dataset)
        return combine_tasks({name: load_corpus(common | part) for name, part in dataset["settings"].items()})
    return prepare_corpus(make(source_of(dataset)).load(), dataset)


def source_of(dataset: Config) -> Config:
    """Return the keys of a data set's config that are arguments of its source."""
    return {k: v for k, v in dataset.items() if k not in PREPARING and k not in READING}


def prepare_corpus(raw: RawData, dataset: Config) -> Corpus:
    """Prepare the texts of a source as the keys of a data set's config say."""
    return prepare(raw, **_preparing(dataset))


def load_shifts(dataset: Config, corpus: Corpus) -> dict[str, Shift]:
    """Load the shifted test sets by split name: the test parts of other data sets, with the same cap on their size."""
    shifts, comparison = {}, TextComparison(dataset.get("case_sensitive", False))
    for name, other in (dataset.get("shifted") or {}).items():
        limits = {"max_test": dataset.get("max_test"), "case_sensitive": comparison.case_sensitive}
        other_corpus = prepare(make(source_of(other)).load(), **_preparing({**other, **limits}))
        shifts[f"test_{name.replace('/', '_')}"] = shift(name, corpus, other_corpus, comparison)
    return shifts


def _preparing(dataset: Config) -> Config:
    return {k: v for k, v in dataset.items() if k in PREPARING}
