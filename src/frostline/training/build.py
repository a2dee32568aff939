"""From a checked config to all that a run needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from frostline.config.checks import compatibility as fits
from frostline.data.build import load_corpus, load_shifts
from frostline.data.tokens import Tokens, read
from frostline.distributed.collectives import digest
from frostline.errors import UserError
from frostline.freezing.build import course_of
from frostline.freezing.plan import Plan
from frostline.instantiate import make
from frostline.models.adapters.attach import own_weights
from frostline.models.blocks import head_block
from frostline.models.build import build_head, build_model
from frostline.models.interfaces import Capability, FittedHead, InContext, NameInitialised, PromptHead
from frostline.training.classifier import Classifier
from frostline.training.network import vectors
from frostline.training.trainer import TrainerSettings
from frostline.types import Config, Corpus, Shift, Split, Text


@dataclass(frozen=True)
class Built:
    """All that a run needs: the model in its plan, and the token ids of each split."""

    classifier: Classifier
    corpus: Corpus
    shifts: dict[str, Shift]
    tokens: dict[str, Tokens]
    settings: TrainerSettings
    encoder_fingerprint: str
    averaging: Any

    @property
    def plan(self) -> Plan:
        return self.classifier.engine.plan


def build(config: Config) -> Built:
    """Load texts and weights and put the classifier together.

    Raises:
        UserError: data, weights and plan do not fit together.
    """
    settings = TrainerSettings(**config["trainer"])
    corpus = load_corpus(config["dataset"])
    shifts = load_shifts(config["dataset"], corpus)
    data: Config = {"multi_label": corpus.multi_label, "texts": len(corpus.train)}
    blocks, parts = build_model(config, corpus.classes, **data)
    plan, decider = course_of(config, blocks)
    encoder: Any = parts["encoder"]  # known by its role alone: it tokenizes too
    longest = config["dataset"]["max_length"]
    fingerprint = digest(own_weights(encoder, blocks))
    if isinstance(head := parts["head"], NameInitialised):
        head.init_from_class_names(partial(_embed, encoder, parts["pooler"], longest))
    if isinstance(head, InContext):
        head.set_demonstrations(corpus.train, config["seed"])
    reader = head if isinstance(head, PromptHead) else encoder
    splits = {"train": corpus.train, "val": corpus.val, "test": corpus.test}
    splits |= {name: shift.split for name, shift in shifts.items()}
    trains = settings.max_epochs > 0 or isinstance(head, FittedHead)
    needed = {name: split for name, split in splits.items() if name != "train" or trains}
    tokens = {name: read(split, reader.tokenize, longest, encoder.pad_id, name) for name, split in needed.items()}
    classifier = _classifier(config, {**parts, "plan": plan, "decider": decider, "blocks": blocks}, corpus)
    on_vectors = getattr(classifier.loss, Capability.USES_ONLY_EMBEDDINGS, False)
    if plan.phases[-1].end and (refused := list(fits.idle(plan, isinstance(head, FittedHead), on_vectors))):
        raise UserError(refused)  # what `check` could not know without the model
    return Built(classifier, corpus, shifts, tokens, settings, fingerprint, make(config["averaging"]))


def build_beside(built: Built, config: Config, corpus: Corpus, shifts: dict[str, Shift]) -> Built:
    """A run on the encoder and pooler of another, in which nothing of them learns; its head and texts are its own."""
    encoder, pooler = built.classifier.encoder, built.classifier.pooler
    head = build_head(config, encoder, corpus.classes, multi_label=corpus.multi_label, texts=len(corpus.train))
    blocks = [block for block in built.classifier.engine.blocks if block.kind != "head"] + head_block(head)
    plan, decider = course_of(config, blocks)
    parts = {"encoder": encoder, "pooler": pooler, "head": head, "plan": plan, "decider": decider, "blocks": blocks}
    settings, averaging = TrainerSettings(**config["trainer"]), make(config["averaging"])
    classifier = _classifier(config, parts, corpus)
    return Built(classifier, corpus, shifts, {}, settings, built.encoder_fingerprint, averaging)


def _classifier(config: Config, parts: dict[str, Any], corpus: Corpus) -> Classifier:
    optimizer = config["optimizer"]
    return Classifier(
        **parts,
        loss=make(config["loss"], counts=_counts(corpus), multi_label=corpus.multi_label),
        regularizer=make(config["regularizer"], multi_label=corpus.multi_label),
        optimizer=partial(_make_optimizer, optimizer),
        schedule=make(config["scheduler"]),
        base_lr=optimizer["lr"],
        weight_decay=optimizer.get("weight_decay", 0.0),
        classes=corpus.classes,
        multi_label=corpus.multi_label,
        seed=config["seed"],
    )


def _counts(corpus: Corpus) -> list[int]:
    """How many texts of train are of each class."""
    labels = np.asarray(corpus.train.labels)
    if corpus.multi_label:
        return [int(count) for count in labels.sum(axis=0)]
    return [int(count) for count in np.bincount(labels, minlength=len(corpus.classes))]


@torch.no_grad()
def _embed(encoder: Any, pooler: Any, longest: int, texts: Sequence[Text]) -> Tensor:
    """Texts -> their vectors (N, D), as the encoder is now."""
    encoder.eval()
    pooler.eval()
    kept = read(Split(list(texts), [0] * len(texts)), encoder.tokenize, longest, encoder.pad_id, "class names")
    return vectors(encoder, pooler, *kept.padded(np.arange(len(texts))))


def _make_optimizer(config: Config, groups: list[dict[str, Any]]) -> Any:
    return make(config, groups=groups)
