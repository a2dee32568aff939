"""From a checked config to its texts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from frostline.data.prepare import prepare
from frostline.data.shifted import shift
from frostline.instantiate import make
from frostline.types import Config, Corpus, Count, RawData, Shift


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
    """The data set, split and capped."""
    return prepared(make(source_of(dataset)).load(), dataset)


def source_of(dataset: Config) -> Config:
    """What a data set's config says of where its texts come from: less our own keys and prepare's."""
    return {k: v for k, v in dataset.items() if k not in PREPARING and k not in READING}


def prepared(raw: RawData, dataset: Config) -> Corpus:
    return prepare(raw, **{k: v for k, v in dataset.items() if k in PREPARING})


def load_shifts(dataset: Config, home: Corpus) -> dict[str, Shift]:
    """The test parts of other data sets by split name, each cut as it would be at home, capped like the home's."""
    found = {}
    for name, given in (dataset.get("shifted") or {}).items():
        other = load_corpus({**given, "max_test": dataset.get("max_test")})
        found[f"test_{name.replace('/', '_')}"] = shift(name, home, other)
    return found
