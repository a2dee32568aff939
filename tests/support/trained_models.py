"""Trained models without a run: any encoder checkpoint with any pooler, head and adapter, whose weights are random."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from frostline.config import search_path
from frostline.export.equality import padded
from frostline.models.build import build_model
from frostline.models.interfaces import FittedHead, PromptHead
from frostline.models.model import Model
from frostline.models.trained import TrainedModel
from frostline.results.folder import RunFolder

NOT_ARGUMENTS = ("recommended", "layer_decay")
CLASSES = ("poor", "fair", "good")
TEXTS = [f"text {number} is {word} and {other}" for number in range(4) for word in CLASSES for other in CLASSES]
ODD = [
    "",
    "w1 w2 w3 w4",
    "😀 naïve — 東京\u200d",
    "a [SEP] b </s> c [MASK] <s> [CLS]",
    "w5 " * 300,
    "UPPER lower 1,2.5 #x @y ?!",
]


def bert_tiny(folder: Path) -> Path:
    """Copy the checkpoint bert_tiny to a folder."""
    from frostline.models.encoders.auto_model import locate_checkpoint

    known = yaml.safe_load((search_path.conf_folder() / "encoder" / "bert_tiny.yaml").read_text())
    shutil.copytree(locate_checkpoint(known["name"], known["pin"]), folder)
    return folder


def trained_model(
    checkpoint: Path,
    pooler: str = "mean",
    head: str = "linear",
    adapter: str = "none",
    multi_label: bool = False,
    max_length: int = 24,
    **options: dict[str, Any],
) -> TrainedModel:
    """Build a model; each weight of pooler, head and adapter is moved, and a head that is fitted is fitted.

    options: arguments of the parts by group, such as head={"metric": "cosine"}.
    """
    chosen = {"pooler": pooler, "head": head, "adapter": adapter}
    config: dict[str, Any] = {group: _part(group, name) | options.get(group, {}) for group, name in chosen.items()}
    config |= {"encoder": {"_target_": "frostline.models.encoders.pretrained.Pretrained", "name": str(checkpoint)}}
    config["encoder"] |= options.get("encoder", {})
    config |= {"seed": 1, "dataset": {"max_length": max_length}}
    blocks, parts = build_model(config, CLASSES, multi_label=multi_label, texts=len(TEXTS))
    model = Model(**parts).eval()
    _move_weights([p for block in blocks if block.kind == "adapter" for p in block.parameters.values()], 0.05)
    _move_weights(list(model.pooler.parameters()), 0.3)
    if isinstance(model.head, FittedHead):
        _fit(model, multi_label, max_length)
    elif not isinstance(model.head, PromptHead):
        _move_weights(list(model.head.parameters()), 0.1)
    thresholds = [0.5, 0.4, 0.3] if multi_label else None
    return TrainedModel(RunFolder(checkpoint), config, {}, model, blocks, CLASSES, thresholds)


def _part(group: str, name: str) -> dict[str, Any]:
    file = search_path.conf_folder() / group / f"{name}.yaml"
    return {key: value for key, value in yaml.safe_load(file.read_text()).items() if key not in NOT_ARGUMENTS}


@torch.no_grad()
def _move_weights(parameters: list[nn.Parameter], distance: float) -> None:
    generator = torch.Generator().manual_seed(2)
    for parameter in parameters:
        parameter += distance * torch.randn(parameter.shape, generator=generator)


@torch.no_grad()
def _fit(model: Any, multi_label: bool, max_length: int) -> None:
    rows = model.encoder.tokenize(TEXTS, max_length)
    vectors = model.vectors(*padded([row or [0] for row in rows], model.encoder.pad_id))
    vectors += 0.1 * vectors.std() * torch.randn(vectors.shape, generator=torch.Generator().manual_seed(3))
    labels = torch.arange(len(TEXTS)) % len(CLASSES)
    model.head.fit(
        vectors, torch.stack([labels != 0, labels != 1, labels == 2], dim=1).long() if multi_label else labels
    )


def readable_texts(trained: TrainedModel) -> list[str]:
    """Return those of ODD that have at least one token, all of which the encoder knows."""
    encoder: Any = trained.model.encoder
    known = encoder.num_embeddings or 10**9
    rows = encoder.tokenizer(ODD, split_special_tokens=True)["input_ids"]
    return [text for text, row in zip(ODD, rows, strict=True) if row and max(row) < known]


@torch.no_grad()
def logits_one_by_one(trained: TrainedModel, texts: list[Any]) -> Tensor:
    """Return the logits (N, C) of the model, each text alone, without padding."""
    rows = trained.model.tokenize(texts, trained.max_length)
    ids = [torch.tensor([row]) for row in (rows if isinstance(rows, list) else rows.ids)]
    return torch.cat([trained.model({"input_ids": i, "attention_mask": torch.ones_like(i)}) for i in ids])


@torch.no_grad()
def vectors_one_by_one(trained: TrainedModel, texts: list[Any]) -> Tensor:
    """Return the pooled vectors (N, D) of the model, each text alone, without padding."""
    rows = trained.model.encoder.tokenize(texts, trained.max_length)  # type: ignore[operator]
    return torch.cat([trained.model.vectors(i, torch.ones_like(i)) for i in (torch.tensor([row]) for row in rows)])


def write_expected(file: Path, trained: TrainedModel, texts: list[Any], vectors: bool = False) -> None:
    """Write texts, logits, or vectors instead of them, and probabilities of the trained model as JSON."""
    logits = logits_one_by_one(trained, texts)
    probabilities = trained.probabilities(logits).tolist()
    compared = vectors_one_by_one(trained, texts) if vectors else logits
    content = {"texts": texts, "logits": compared.tolist(), "probabilities": probabilities}
    file.write_text(json.dumps(content | {"classes": list(trained.classes)}))
