"""Builds all that a run needs from its checked config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from frostline.config.checks.monitors import class_problems, monitor_problems, monitored_metrics
from frostline.data.build import load_corpus, load_shifts
from frostline.data.corpus import Corpus, Origin, Shift, Split, Text
from frostline.data.token_counts import TextCounts, token_messages
from frostline.data.tokens import Tokens, tokenize_split
from frostline.errors import UserError, user_error
from frostline.freezing.adaptive import PhaseController
from frostline.freezing.build import plan_from_config, with_min_steps
from frostline.freezing.plan import Plan, plan_problems
from frostline.instantiate import make
from frostline.models.blocks import ModuleBlock, head_block
from frostline.models.build import build_head, build_model
from frostline.models.fingerprint import weights_digest, weights_without_adapter
from frostline.models.interfaces import Capability, FittedHead, InContext, NameInitialised
from frostline.models.model import Model, pooled_vectors
from frostline.results.metric_names import MAX_CLASSES
from frostline.results.search_storage import PrunableTrial
from frostline.training.averaging.base import Interpolating
from frostline.training.batch_norm import check_batch_norms
from frostline.training.classifier import Classifier
from frostline.training.interpolation import Interpolation
from frostline.training.phases import PhaseEngine
from frostline.training.settings import TrainerSettings
from frostline.training.trainer import rank_count
from frostline.types import Config


@dataclass(frozen=True)
class Built:
    """All that a run needs: the classifier with its plan, and the token ids of each split.

    config: of the run, with the epochs that `trainer.min_steps` needs. interpolation: of the weights before and after
    training, if the config has one. shared_counts: what tokenization did to the texts of a run whose tokens are those
    of another one.
    """

    config: Config
    classifier: Classifier
    corpus: Corpus
    shifts: dict[str, Shift]
    tokens: dict[str, Tokens]
    settings: TrainerSettings
    encoder_fingerprint: str
    averaging: Any
    interpolation: Interpolation | None = None
    shared_counts: Mapping[str, TextCounts] | None = None

    @property
    def token_counts(self) -> Mapping[str, TextCounts]:
        """What tokenization did to the texts of each split; empty if the tokenizer does not report it."""
        if self.shared_counts is not None:
            return self.shared_counts
        return {name: tokens.counts for name, tokens in self.tokens.items() if tokens.counts is not None}

    @property
    def origins(self) -> dict[str, Sequence[Origin] | None]:
        """Where the texts of each split come from."""
        splits = {"train": self.corpus.train, "val": self.corpus.val, "test": self.corpus.test}
        splits |= {name: shift.split for name, shift in self.shifts.items()}
        return {name: split.origins for name, split in splits.items()}

    @property
    def model(self) -> Model:
        return self.classifier.model

    @property
    def plan(self) -> Plan:
        return self.classifier.engine.plan

    @property
    def trains(self) -> bool:
        """Return whether any parameter is trained by gradient descent."""
        return self.plan.ever_trainable > 0 and self.settings.max_epochs > 0

    @property
    def test_splits(self) -> tuple[str, ...]:
        """Return the names of the test sets, the in-domain one last."""
        return (*self.shifts, "test")


def build(config: Config) -> Built:
    """Load texts and weights and build the classifier.

    Raises:
        UserError: data, weights and plan do not fit together.
    """
    corpus = load_corpus(config["dataset"])
    config = with_min_steps(config, len(corpus.train))
    settings = TrainerSettings(**config["trainer"])
    shifts = load_shifts(config["dataset"], corpus)
    data: Config = {"multi_label": corpus.multi_label, "texts": len(corpus.train)}
    _check_splits(corpus)
    check_monitors(config, corpus)
    blocks, parts = build_model(config, corpus.classes, **data)
    plan, controller = plan_and_controller(config, blocks)
    model = Model(**parts)
    fingerprint = weights_digest(weights_without_adapter(model.encoder, blocks))
    _initialise_head(model, config, corpus)
    uses_train = settings.max_epochs > 0 or isinstance(model.head, FittedHead)
    splits = {"train": corpus.train} if uses_train else {}
    splits |= {"val": corpus.val, "test": corpus.test}
    splits |= {name: shift.split for name, shift in shifts.items()}
    tokens = _tokenize(model, splits, config["dataset"]["max_length"])
    classifier = _classifier(config, model, PhaseEngine(plan, blocks), controller, corpus)
    _check_plan(plan, classifier)
    if norms := classifier.engine.batch_norms():
        check_batch_norms(norms, config, len(corpus.train), rank_count(config))
    averaging = make(config["averaging"])
    interpolation = Interpolation(classifier, averaging) if isinstance(averaging, Interpolating) else None
    return Built(config, classifier, corpus, shifts, tokens, settings, fingerprint, averaging, interpolation)


def data_messages(built: Built, config: Config) -> Iterator[str]:
    """Yield a line for each thing that the user should know about the texts and classes of a run."""
    yield from (f"data: {note.message}" for note in built.corpus.notes)
    yield from token_messages(built.token_counts, built.origins, config["dataset"]["max_length"])
    if (count := len(built.corpus.classes)) > MAX_CLASSES:
        yield (
            f"data: {count:,} classes: of more than {MAX_CLASSES} the F1 of each is not recorded, and of the confusion "
            "matrix only the cells that are not 0"
        )


def build_on_frozen_encoder(
    built: Built, config: Config, corpus: Corpus, shifts: dict[str, Shift], counts: Mapping[str, TextCounts]
) -> Built:
    """Build a run that shares the frozen encoder and pooler of another; it has another head and other texts.

    counts: what tokenization did to its texts.
    """
    config = with_min_steps(config, len(corpus.train))
    encoder, pooler = built.model.encoder, built.model.pooler
    head = build_head(config, encoder, corpus.classes, multi_label=corpus.multi_label, texts=len(corpus.train))
    blocks = [block for block in built.classifier.engine.blocks if block.kind != "head"] + head_block(head)
    plan, controller = plan_and_controller(config, blocks)
    model = Model(encoder, pooler, head)
    classifier = _classifier(config, model, PhaseEngine(plan, blocks), controller, corpus)
    settings, averaging = TrainerSettings(**config["trainer"]), make(config["averaging"])
    fingerprint = built.encoder_fingerprint
    return Built(config, classifier, corpus, shifts, {}, settings, fingerprint, averaging, shared_counts=counts)


def _check_splits(corpus: Corpus) -> None:
    """Raise UserError if a split has no text."""
    splits = {"train": corpus.train, "val": corpus.val, "test": corpus.test}
    if empty := [name for name, split in splits.items() if len(split) == 0]:
        dropped = ", ".join(f"{count} {reason}" for reason, count in corpus.dropped.items())
        what = f"{' and '.join(empty)} has no texts" + (f" ({dropped} were dropped)" if dropped else "")
        raise user_error("dataset", what, "give other texts, or leave the part out so that it is cut from train")


def check_monitors(config: Config, corpus: Corpus) -> None:
    """Raise UserError for a monitored metric that the data do not have: the F1 of a class, or that of multi-label data.

    The pruner of a search monitors the objective of the search.
    """
    trial, monitors = PrunableTrial.from_environment(), monitored_metrics(config)
    monitors |= {} if trial is None else {"hydra.sweeper.objectives": trial.metric}
    if problems := [*monitor_problems(monitors, corpus.multi_label), *class_problems(monitors, corpus.classes)]:
        raise UserError(problems)


def plan_and_controller(config: Config, blocks: Sequence[ModuleBlock]) -> tuple[Plan, PhaseController | None]:
    """Return the plan of the strategy and, for an adaptive one, what decides during training when phases begin."""
    return plan_from_config(config, [block.plan_block for block in blocks])


def _initialise_head(model: Model, config: Config, corpus: Corpus) -> None:
    """Give class names or demonstrations to a head that needs them."""
    if isinstance(model.head, NameInitialised):
        model.head.init_from_class_names(partial(_embed, model, config["dataset"]["max_length"]))
    if isinstance(model.head, InContext):
        model.head.set_demonstrations(corpus.train, config["seed"])


def _tokenize(model: Model, splits: Mapping[str, Split], max_length: int) -> dict[str, Tokens]:
    """Return the token ids of each split: those of the prompts if the head writes prompts, else those of the texts."""
    encoder: Any = model.encoder  # `pad_id` belongs to its role; nn.Module has no type for it
    return {
        name: tokenize_split(split, model.tokenize, max_length, encoder.pad_id, name) for name, split in splits.items()
    }


def _check_plan(plan: Plan, classifier: Classifier) -> None:
    """Raise UserError for what `frostline check` cannot find without the model, such as a head that is never used."""
    fitted = isinstance(classifier.model.head, FittedHead)
    on_vectors = getattr(classifier.loss, Capability.USES_ONLY_EMBEDDINGS, False)
    if plan.phases[-1].end and (problems := list(plan_problems(plan, fitted, on_vectors))):
        raise UserError(problems)


def _classifier(
    config: Config, model: Model, engine: PhaseEngine, controller: PhaseController | None, corpus: Corpus
) -> Classifier:
    optimizer = config["optimizer"]
    return Classifier(
        model,
        engine,
        controller=controller,
        loss=make(config["loss"], counts=_texts_per_class(corpus), multi_label=corpus.multi_label),
        regularizer=make(config["regularizer"], multi_label=corpus.multi_label),
        optimizer=partial(_make_optimizer, optimizer),
        schedule=make(config["scheduler"]),
        base_lr=optimizer["lr"],
        weight_decay=optimizer.get("weight_decay", 0.0),
        classes=corpus.classes,
        multi_label=corpus.multi_label,
        seed=config["seed"],
    )


def _texts_per_class(corpus: Corpus) -> list[int]:
    """Return the number of training texts of each class."""
    labels = np.asarray(corpus.train.labels)
    if corpus.multi_label:
        return [int(count) for count in labels.sum(axis=0)]
    return [int(count) for count in np.bincount(labels, minlength=len(corpus.classes))]


@torch.no_grad()
def _embed(model: Model, max_length: int, texts: Sequence[Text]) -> Tensor:
    """Return the pooled vectors (N, D) of texts, computed with the present weights of the encoder."""
    encoder: Any = model.encoder
    encoder.eval()
    model.pooler.eval()
    split = Split(list(texts), [0] * len(texts))
    tokens = tokenize_split(split, encoder.tokenize, max_length, encoder.pad_id, "class names")
    return pooled_vectors(encoder, model.pooler, *tokens.padded(np.arange(len(texts))))


def _make_optimizer(config: Config, groups: list[dict[str, Any]]) -> Any:
    return make(config, groups=groups)
