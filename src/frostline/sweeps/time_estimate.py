"""Estimates of the time that runs take, from counts of texts, layers and steps.

They are right within an order of magnitude on two CPU cores.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from frostline.cache.estimate import OPERATIONS_A_SECOND
from frostline.config.fusable import FusableGroup
from frostline.data.corpus import Corpus, Split, Text
from frostline.data.pairs import pair_count
from frostline.freezing.build import with_min_steps
from frostline.freezing.plan import Plan
from frostline.freezing.savings import BACKWARD, layer_passes
from frostline.types import Config

# Seconds, as measured on two cores.
PER_JOB, PER_FUSED_JOB = 1.0, 0.3
PER_STEP, PER_FUSED_STEP = 3.5e-3, 1e-4  # without its layers
PER_PARAMETER = 3e-9  # for each trainable parameter in a step
CHARACTERS_A_TOKEN = 4.5


@dataclass(frozen=True)
class RunEstimate:
    """A run that has not started: its config, its plan and its texts."""

    config: Config
    plan: Plan
    corpus: Corpus

    @property
    def texts(self) -> int:
        """The number of texts in all splits."""
        return sum(map(len, (self.corpus.train, self.corpus.val, self.corpus.test)))

    @property
    def steps(self) -> int:
        """The number of optimizer steps."""
        if not self.plan.ever_trainable:
            return 0
        batch, epochs = self.config["dataset"]["batch_size"], self.config["trainer"]["max_epochs"]
        return math.ceil(len(self.corpus.train) * self.reads_per_epoch / int(batch)) * int(epochs)

    @property
    def reads_per_epoch(self) -> float:
        """How often an epoch reads a training text: a loss on pairs of all of train reads two texts for each."""
        loss = self.config["loss"]
        if loss.get("partners") != "train" or self.corpus.multi_label:
            return 1.0
        return 2 * pair_count(np.asarray(self.corpus.train.labels).tolist(), loss["pairs"]) / len(self.corpus.train)

    @property
    def seconds_to_encode(self) -> float:
        """The time of one pass of all texts through all layers."""
        return self._pass_seconds(self.corpus.train, self.corpus.val, self.corpus.test)

    @property
    def seconds(self) -> float:
        """The time of the run by itself, with an empty cache."""
        layers = max(sum(block.kind == "layer" for block in self.plan.blocks), 1)
        _, through = layer_passes(self.plan)
        trained = through / layers * self._pass_seconds(self.corpus.train) * self.reads_per_epoch
        validated = through / (1 + BACKWARD) / layers * self._pass_seconds(self.corpus.val)
        validated /= int(self.config["trainer"]["check_val_every_n_epoch"])
        stepped = self.steps * (PER_STEP + PER_PARAMETER * self.plan.ever_trainable)
        return PER_JOB + trained + validated + self._pass_seconds(self.corpus.test) + stepped

    def _pass_seconds(self, *splits: Split) -> float:
        max_length = self.config["dataset"]["max_length"]
        characters = (sum(map(len, text_parts(text))) for split in splits for text in split.texts)
        tokens = sum(min(count / CHARACTERS_A_TOKEN, float(max_length)) for count in characters)
        parameters = sum(p.size for block in self.plan.blocks if block.kind == "layer" for p in block.parameters)
        return 2 * parameters * tokens / OPERATIONS_A_SECOND["cpu"]


def plan_from_shapes(config: Config) -> Plan:
    """Return the plan of a config. The texts are read for their classes, of the weights only the shapes."""
    return estimate_run(config, {}).plan


def estimate_run(config: Config, corpora: dict[str, Corpus]) -> RunEstimate:
    """Return the estimate of a run. corpora: data that has been read, by its config; this adds to it."""
    from frostline.config.shapes import blocks_of
    from frostline.data.build import load_corpus
    from frostline.freezing.build import plan_from_config

    key = json.dumps(config["dataset"], sort_keys=True, default=str)
    corpus = corpora[key] = corpora.get(key) or load_corpus(config["dataset"])
    config = with_min_steps(config, len(corpus.train))
    return RunEstimate(config, plan_from_config(config, blocks_of(config, corpus.classes))[0], corpus)


def text_parts(text: Text) -> Sequence[str]:
    """Return the one or two strings of a text."""
    return (text,) if isinstance(text, str) else text


def fused_seconds(runs: Sequence[RunEstimate]) -> float:
    """Return the time of runs that are encoded once and trained together."""
    heads = sum(run.steps for run in runs) * PER_FUSED_STEP + len(runs) * PER_FUSED_JOB
    return max(run.seconds_to_encode for run in runs) + heads


def group_seconds(group: FusableGroup, runs: Sequence[RunEstimate]) -> float:
    """Return the time of those of `runs` that are in the group."""
    members = [runs[index] for index in group.indices]
    return fused_seconds(members) if group.reason is None else sum(run.seconds for run in members)
