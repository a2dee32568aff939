"""What cannot be combined, told before anything is loaded, with the reason and what to choose instead."""

from __future__ import annotations

from collections.abc import Iterator

from frostline.config.checks.language_model_rules import language_problems
from frostline.config.checks.outline import learners, outlined, refusal
from frostline.config.checks.source import capabilities
from frostline.config.checks.training_rules import training_problems
from frostline.errors import Problem
from frostline.freezing.build import NO_ADAPTER_TRAINED
from frostline.freezing.plan import Plan
from frostline.models.interfaces import Capability
from frostline.types import Config

WITHOUT = {"_target_": "frostline.models.adapters.none.NoAdapter"}
USUAL_POOLER = "frostline.models.poolers.mean.Mean"


def problems(config: Config) -> list[Problem]:
    """Of parts that are each right by themselves."""
    head = capabilities(config["head"]["_target_"])
    found = list(_adapter(config))
    if Capability.FORWARD_PROMPT not in head:
        found += _fitted(config) if Capability.FIT in head else _trained(config)
    if Capability.FORWARD_PROMPT in head:
        found += _reader(config)
    return found + language_problems(config, head) + training_problems(config)


def _adapter(config: Config) -> Iterator[Problem]:
    """A strategy that fits a model without an adapter, but not with it: it names or thaws what then stays as it is."""
    refused = refusal(config)
    if refused and not refusal(config | {"adapter": WITHOUT}):
        chooses = "chooses among the encoder's own parameters, which never learn beside an adapter"
        told = [problem for problem in refused if "adapter" in problem.what]
        yield from told or [Problem("freezing", chooses, NO_ADAPTER_TRAINED[1])]


def _fitted(config: Config) -> Iterator[Problem]:
    """A head that is solved from vectors passes no gradient on."""
    learning = learners(config)
    if learning is None:
        return  # told when the model is there
    if "head" not in learning:
        what = "lets no head learn, and this one is solved from the training texts"
        yield Problem("freezing", what, "choose freezing=frozen, or a head that needs no training texts")
    else:
        yield from idle(outlined(config, head=False) or outlined(config), True, _on_vectors(config))


def idle(plan: Plan | None, solved: bool, on_vectors: bool) -> Iterator[Problem]:
    """Of a plan in which something learns by gradient: a phase in which nothing does, or no gradient at all.

    solved: the head is, and passes none on. Another head may have no parameters of its own, as a language model's whose
    words are the encoder's. on_vectors: the loss is.
    """
    if plan is None or plan.ever_trainable == 0:
        return
    if solved and not on_vectors:
        do = "choose freezing=frozen with a pooler that has no parameters, or a loss on vectors such as "
        what = "is solved from vectors and gives what stands below it nothing to learn from"
        yield Problem("head", what, f"{do}loss=contrastive")
    elif phase := next((phase.name for phase in plan.phases if plan.trainable(phase) == 0), None):
        what = f"lets nothing learn in phase {phase}"
        if solved:
            what = f"lets nothing but the head learn in phase {phase}, and this head is solved, not trained"
        elif not any(block.kind == "head" and block.parameters for block in plan.blocks):
            what += ", as this head has no parameters but those that it shares with the encoder"
        yield Problem("freezing", what, "choose freezing=full or another whose phases all let the encoder learn")


def _trained(config: Config) -> Iterator[Problem]:
    """A head that learns by gradient needs a loss that looks at it."""
    if _on_vectors(config) and learners(config) != set():
        what = "would never learn: the loss looks at vectors alone"
        yield Problem("head", what, "choose a head that is solved, such as head=logistic, or loss=cross_entropy")


def _on_vectors(config: Config) -> bool:
    return Capability.USES_ONLY_EMBEDDINGS in capabilities(config["loss"]["_target_"])


def _reader(config: Config) -> Iterator[Problem]:
    """A head that asks the encoder itself needs no pooler, and has no vectors for a loss."""
    if config["pooler"]["_target_"] != USUAL_POOLER:
        yield Problem("pooler", "has no part in a head that reads the language model's words", "leave pooler out")
    if {Capability.USES_ONLY_EMBEDDINGS, Capability.IN_BATCH} & capabilities(config["loss"]["_target_"]).keys():
        yield Problem("loss", "is one on vectors, which this head has not", "choose loss=cross_entropy")
