"""Pooled vectors of test texts, as a run's encoder was before anything learned, and as the run left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from frostline.cache.encode import EncoderPass, Runtime
from frostline.cache.keys import CacheKeys, cache_content
from frostline.cache.shared_store import CacheSettings, SharedCache
from frostline.data.batches import Indices
from frostline.data.corpus import Split
from frostline.data.tokens import tokenize_split
from frostline.errors import UserError, user_error
from frostline.freezing.frost_line import CachePoint
from frostline.freezing.plan import Block
from frostline.reproduce.projection import tsne
from frostline.reproduce.recorded import config_of, data_problems
from frostline.results.atomic_files import atomic_write, read_json
from frostline.results.folder import RunFolder
from frostline.training.build import Built, build
from frostline.training.trainer import attach, make_trainer, runtime_of
from frostline.types import Config

MOST, SEED = 1000, 0
FEWEST = 4  # of which t-SNE can make a picture
VECTORS = CachePoint("vectors")
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Representations:
    """Of N test texts their places in the test set (N,), labels (N,) or (N, C), and vectors (N, D).

    rested: nothing of encoder and pooler learned, so that after is before.
    """

    places: Indices
    labels: list[Any]
    before: Array
    after: Array
    rested: bool


def represented(record: RunFolder) -> Representations:
    """Of at most 1,000 test texts, the same for every run on them. What is drawn anew before training is so in before.

    Raises:
        UserError: the run cannot be built here, or not from the texts and weights that it had.
    """
    config, told = config_of(record), read_json(record.environment)
    if not record.best.exists():
        raise user_error(record.best.name, "is not there", "copy the run's checkpoints, too")
    built = build(config)
    if problems := data_problems(built.corpus, built.shifts, told["data"]):
        raise UserError(problems)
    if built.encoder_fingerprint != told["encoder"]["fingerprint"]:
        raise user_error("encoder", "its weights are not those of the record", "find the ones that the run began with")
    return represent(built, config, load_file(record.best))


def represent(built: Built, config: Config, kept: dict[str, Tensor]) -> Representations:
    """built: fresh; afterwards its weights are those of the run. kept: what the run changed, by plan name."""
    test, plan = built.corpus.test, built.plan
    if len(test) < FEWEST:
        raise user_error("dataset", f"{len(test)} test texts are too few", f"take a run that has {FEWEST}")
    chance = np.random.default_rng(SEED)
    places = np.sort(chance.choice(len(test), min(MOST, len(test)), replace=False))
    trainer = make_trainer(replace(built.settings, accelerator="auto"), plan, 1, loggers=False, callbacks=())
    attach(built.classifier, trainer)
    runtime = runtime_of(trainer)
    below = [block for block in plan.blocks if block.kind != "head"]
    rested = not any(plan.ever_trains(p.name) for block in below for p in block.parameters)
    before = after = _vectors(built, runtime, config, below, places)
    if not rested:
        built.classifier.checkpoint_state.restore(kept)
        after = _vectors(built, runtime, config, below, places)
    return Representations(places, [test.labels[place] for place in places], before, after, rested)


def _vectors(built: Built, runtime: Runtime, config: Config, below: Sequence[Block], places: Indices) -> Array:
    """As the blocks below the head are now: from the store, where it has the test set; else these texts are read."""
    encoder: Any = built.model.encoder  # known by its role alone: it tokenizes too
    keep = SharedCache(CacheSettings(**config["cache"]), 1)
    origin = CacheKeys(built.classifier.engine.parameters, runtime, partial(cache_content, encoder, config))
    if keep.settings.mode != "off" and origin.is_known:
        key = origin.key(VECTORS, below, built.tokens["test"], keep.settings.dtype)
        if (kept := keep.open_states(key, VECTORS)) is not None and (found := kept.rows(places)) is not None:
            return found[:, 0].numpy()
    test = built.corpus.test
    texts = Split([test.texts[place] for place in places], [0] * len(places))
    tokens = tokenize_split(texts, encoder.tokenize, config["dataset"]["max_length"], encoder.pad_id, "test")
    return EncoderPass(built.model, runtime, VECTORS).in_memory(tokens, "test").values[:, 0].numpy()


def write(path: Path, found: Representations) -> None:
    """One row a text: `id` its place in the test set, `label`, vectors `before` and `after`, and `tsne_` of both."""
    import pyarrow as pa
    from pyarrow import parquet

    first = tsne(found.before)
    shown = {"before": found.before, "after": found.after}
    shown |= {"tsne_before": first, "tsne_after": first if found.rested else tsne(found.after)}
    several = bool(found.labels) and not isinstance(found.labels[0], int)
    labels = [np.flatnonzero(row).tolist() for row in found.labels] if several else found.labels
    columns = {name: pa.FixedSizeListArray.from_arrays(pa.array(v.ravel()), v.shape[1]) for name, v in shown.items()}
    with atomic_write(path) as beside:
        parquet.write_table(pa.table({"id": found.places, "label": labels, **columns}), beside, compression="zstd")
