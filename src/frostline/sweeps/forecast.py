"""What runs will take, foretold from counts: texts, layers, steps. Of the right order on two CPU cores, no more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from frostline.cache.estimate import OPERATIONS_A_SECOND
from frostline.config.fusable import FusableGroup
from frostline.freezing.plan import Plan
from frostline.freezing.savings import BACKWARD, layer_passes
from frostline.types import Config, Corpus, Split, Text

# Seconds, as measured on two cores.
A_JOB, A_JOB_TOGETHER = 1.0, 0.3
A_STEP, A_STEP_TOGETHER = 3.5e-3, 1e-4  # beyond what its layers take
A_PARAMETER = 3e-9  # that learns, a step
CHARACTERS_A_TOKEN = 4.5


@dataclass(frozen=True)
class Run:
    """A run that is to be: its config, its plan and its texts."""

    config: Config
    plan: Plan
    corpus: Corpus

    @property
    def texts(self) -> int:
        return sum(map(len, (self.corpus.train, self.corpus.val, self.corpus.test)))

    @property
    def steps(self) -> int:
        if not self.plan.ever_trainable:
            return 0
        batch, epochs = self.config["dataset"]["batch_size"], self.config["trainer"]["max_epochs"]
        return math.ceil(len(self.corpus.train) / int(batch)) * int(epochs)

    @property
    def seconds_to_encode(self) -> float:
        """All of its texts, once, through all layers."""
        return self._seconds(self.corpus.train, self.corpus.val, self.corpus.test)

    @property
    def seconds(self) -> float:
        """By itself, over an empty store."""
        layers = max(sum(block.kind == "layer" for block in self.plan.blocks), 1)
        _, through = layer_passes(self.plan)
        trained = through / layers * self._seconds(self.corpus.train)
        validated = through / (1 + BACKWARD) / layers * self._seconds(self.corpus.val)
        validated /= int(self.config["trainer"]["check_val_every_n_epoch"])
        learning = self.steps * (A_STEP + A_PARAMETER * self.plan.ever_trainable)
        return A_JOB + trained + validated + self._seconds(self.corpus.test) + learning

    def _seconds(self, *splits: Split) -> float:
        """Of a pass of these texts through all layers."""
        longest = self.config["dataset"]["max_length"]
        characters = (sum(map(len, parts_of(text))) for split in splits for text in split.texts)
        tokens = sum(min(count / CHARACTERS_A_TOKEN, float(longest)) for count in characters)
        parameters = sum(p.size for block in self.plan.blocks if block.kind == "layer" for p in block.parameters)
        return 2 * parameters * tokens / OPERATIONS_A_SECOND["cpu"]


def parts_of(text: Text) -> Sequence[str]:
    """Itself, or the two of a pair."""
    return (text,) if isinstance(text, str) else text


def together(runs: Sequence[Run]) -> float:
    """The seconds of runs that share one encoding and one training."""
    heads = sum(run.steps for run in runs) * A_STEP_TOGETHER + len(runs) * A_JOB_TOGETHER
    return max(run.seconds_to_encode for run in runs) + heads


def seconds(group: FusableGroup, runs: Sequence[Run]) -> float:
    own = [runs[place] for place in group.indices]
    return together(own) if group.reason is None else sum(run.seconds for run in own)
