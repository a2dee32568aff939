"""Pooled embeddings of test texts, from the encoder of a run before and after training."""

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
from frostline.reproduce.recorded import data_problems, recorded_config
from frostline.results.atomic_files import atomic_write, read_json
from frostline.results.folder import RunFolder
from frostline.training.build import Built, build
from frostline.training.trainer import attach, make_trainer, runtime_of
from frostline.types import Config

MAX_TEXTS, SEED = 1000, 0
MIN_TEXTS = 4  # required by t-SNE
PERPLEXITY = 30  # of t-SNE; less if there are few texts
VECTORS = CachePoint("vectors")
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Representations:
    """The embeddings of N test texts: their indices in the test set (N,), labels (N,) or (N, C), embeddings (N, D).

    frozen: no parameter of encoder and pooler was trainable, so that `before` and `after` are the same.
    """

    indices: Indices
    labels: list[Any]
    before: Array
    after: Array
    frozen: bool


def embed_recorded(record: RunFolder) -> Representations:
    """Return the embeddings of at most 1,000 test texts, which are the same for every run on the same test set.

    `before` includes the initialisation of weights before training, such as re-initialised layers.

    Raises:
        UserError: the run cannot be built on this machine, or its texts or pre-trained weights have changed.
    """
    config, environment = recorded_config(record), read_json(record.environment)
    if not record.best.exists():
        raise user_error(record.best.name, "does not exist", "copy the checkpoints of the run, too")
    built = build(config)
    if problems := data_problems(built.corpus, built.shifts, environment["data"]):
        raise UserError(problems)
    if built.encoder_fingerprint != environment["encoder"]["fingerprint"]:
        do = "restore the pre-trained weights of the record"
        raise user_error("encoder", "the pre-trained weights are not those of the record", do)
    return embed(built, config, load_file(record.best))


def embed(built: Built, config: Config, trained: dict[str, Tensor]) -> Representations:
    """Return the embeddings from the initial weights of `built`, and from those weights with `trained` in their place.

    built: is changed and has the trained weights afterwards. trained: tensors by their names in the plan.
    """
    test, plan = built.corpus.test, built.plan
    if len(test) < MIN_TEXTS:
        raise user_error("dataset", f"{len(test)} test texts are too few", f"take a run that has {MIN_TEXTS}")
    rng = np.random.default_rng(SEED)
    indices = np.sort(rng.choice(len(test), min(MAX_TEXTS, len(test)), replace=False))
    trainer = make_trainer(replace(built.settings, accelerator="auto"), plan, 1, loggers=False, callbacks=())
    attach(built.classifier, trainer)
    runtime = runtime_of(trainer)
    blocks = [block for block in plan.blocks if block.kind != "head"]
    frozen = not any(plan.ever_trains(p.name) for block in blocks for p in block.parameters)
    before = after = _pooled_embeddings(built, runtime, config, blocks, indices)
    if not frozen:
        built.classifier.checkpoint_state.restore(trained)
        after = _pooled_embeddings(built, runtime, config, blocks, indices)
    return Representations(indices, [test.labels[index] for index in indices], before, after, frozen)


def _pooled_embeddings(
    built: Built, runtime: Runtime, config: Config, blocks: Sequence[Block], indices: Indices
) -> Array:
    """Return the embeddings (N, D) from the present weights; read from the cache if it has the test set."""
    encoder: Any = built.model.encoder
    cache = SharedCache(CacheSettings(**config["cache"]), 1)
    keys = CacheKeys(built.classifier.engine.parameters, runtime, partial(cache_content, encoder, config))
    if cache.settings.mode != "off" and keys.is_known:
        key = keys.key(VECTORS, blocks, built.tokens["test"], cache.settings.dtype)
        states = cache.open_states(key, VECTORS)
        if states is not None and (cached := states.rows(indices)) is not None:
            return cached[:, 0].numpy()
    test = built.corpus.test
    texts = Split([test.texts[index] for index in indices], [0] * len(indices))
    tokens = tokenize_split(texts, encoder.tokenize, config["dataset"]["max_length"], encoder.pad_id, "test")
    return EncoderPass(built.model, runtime, VECTORS).in_memory(tokens, "test").values[:, 0].numpy()


def tsne(vectors: Any) -> Any:
    """Return the t-SNE projection (N, 2), float32, of `vectors` (N, D), by scikit-learn (arXiv:1301.3342).

    The same vectors always have the same projection. N is at least 4.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    # The initial projection by PCA is deterministic; it does not exist if all vectors are equal.
    initial = "pca" if vectors.std(axis=0).any() else "random"
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    with threadpool_limits(1):  # several threads add in a random order, and are 50 times slower if all cores are busy
        return TSNE(init=initial, perplexity=perplexity, random_state=SEED).fit_transform(vectors)


def write_embeddings(path: Path, embeddings: Representations) -> None:
    """Write one row for each text: `id` is its index in the test set; `label`, `before`, `after`, and `tsne_` of both.

    The label of a multi-label text is the list of its classes.
    """
    import pyarrow as pa
    from pyarrow import parquet

    first = tsne(embeddings.before)
    second = first if embeddings.frozen else tsne(embeddings.after)
    arrays = {"before": embeddings.before, "after": embeddings.after, "tsne_before": first, "tsne_after": second}
    labels = embeddings.labels
    if labels and not isinstance(labels[0], int):
        labels = [np.flatnonzero(row).tolist() for row in labels]
    columns = {name: pa.FixedSizeListArray.from_arrays(pa.array(v.ravel()), v.shape[1]) for name, v in arrays.items()}
    table = pa.table({"id": embeddings.indices, "label": labels, **columns})
    with atomic_write(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")
