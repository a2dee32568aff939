"""Combinations of parts that cannot work, reported before anything is loaded, with the reason and an alternative."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frostline.config.checks.language_model_rules import language_model_problems
from frostline.config.checks.outline import Outline, outline
from frostline.config.checks.plan_fit import known_plan, reinit_problems
from frostline.config.checks.source import capabilities
from frostline.config.checks.training_rules import training_problems
from frostline.errors import Problem
from frostline.freezing.build import NO_ADAPTER_TRAINED
from frostline.freezing.plan import Plan
from frostline.models.interfaces import Capability
from frostline.types import Config

NO_ADAPTER = {"_target_": "frostline.models.adapters.none.NoAdapter"}
DEFAULT_POOLER = "frostline.models.poolers.mean.Mean"
ROLES = ("head", "loss", "regularizer", "averaging")

Capabilities = dict[str, dict[str, Any]]  # role -> what `capabilities` returns of its part


def compatibility_problems(config: Config) -> list[Problem]:
    """Return the problems of parts each of which is right by itself."""
    parts = {role: capabilities(config[role]["_target_"]) for role in ROLES}
    model = outline(config)
    problems = list(_adapter_problems(config, model))
    if Capability.FORWARD_PROMPT in parts["head"]:
        problems += _prompt_head_problems(config, parts)
    elif Capability.FIT in parts["head"]:
        problems += _fitted_head_problems(config, parts, model)
    else:
        problems += _trained_head_problems(parts, model)
    problems += language_model_problems(config, parts["head"])
    problems += training_problems(config, parts, model.trainable_kinds, model.is_adaptive)
    return problems or _plan_fit_problems(config, parts)


def _plan_fit_problems(config: Config, parts: Capabilities) -> list[Problem]:
    """Return what the strategy has against the encoder and the epochs, where the encoder is known."""
    if problems := reinit_problems(config["encoder"]):
        return problems
    plan, problems = known_plan(config)
    if plan is None or not plan.phases[-1].end:
        return problems
    return list(plan_problems(plan, Capability.FIT in parts["head"], Capability.USES_ONLY_EMBEDDINGS in parts["loss"]))


def plan_problems(plan: Plan | None, fitted_head: bool, on_embeddings: bool) -> Iterator[Problem]:
    """Yield a problem if the plan trains something, but a phase of it, or the whole training, has no gradient.

    Args:
        fitted_head: whether the head is fitted to all embeddings at once and passes no gradient on. Another head may
            have no parameters at all, as that of a language model shares those of the encoder.
        on_embeddings: whether the loss is computed from pooled embeddings.
    """
    if plan is None or plan.ever_trainable == 0:
        return
    if fitted_head and not on_embeddings:
        what = "is fitted to embeddings, not trained, so that no gradient reaches the trainable layers"
        do = "choose freezing=frozen with a pooler that has no parameters, or a loss on embeddings such as "
        yield Problem("head", what, f"{do}loss=contrastive")
    elif phase := next((phase.name for phase in plan.phases if plan.trainable(phase) == 0), None):
        what = f"trains nothing in phase {phase}"
        if fitted_head:
            what = f"trains only the head in phase {phase}, and this head is fitted, not trained"
        elif not any(block.kind == "head" and block.parameters for block in plan.blocks):
            what += ", as this head has no parameters but those that it shares with the encoder"
        do = "choose freezing=full or another strategy that trains the encoder in all phases"
        yield Problem("freezing", what, do)


def _adapter_problems(config: Config, model: Outline) -> Iterator[Problem]:
    """Yield what a strategy has against an adapter, if without the adapter it would accept the model."""
    if model.problems and not outline(config | {"adapter": NO_ADAPTER}).problems:
        what = "chooses among the encoder's parameters, which are always frozen with an adapter"
        named = [problem for problem in model.problems if "adapter" in problem.what]
        yield from named or [Problem("freezing", what, NO_ADAPTER_TRAINED[1])]


def _fitted_head_problems(config: Config, parts: Capabilities, model: Outline) -> Iterator[Problem]:
    kinds = model.trainable_kinds
    if kinds is None:
        return  # the model itself is checked once it is built
    if "head" not in kinds:
        what = "keeps the head as it is initialised, and this head must be fitted to the training texts"
        yield Problem("freezing", what, "choose freezing=frozen, or a head that needs no training texts")
    else:
        plan = outline(config, head=False).plan or model.plan
        yield from plan_problems(plan, True, Capability.USES_ONLY_EMBEDDINGS in parts["loss"])


def _trained_head_problems(parts: Capabilities, model: Outline) -> Iterator[Problem]:
    if Capability.USES_ONLY_EMBEDDINGS in parts["loss"] and model.trainable_kinds != set():
        what = "would never be trained: the loss is computed from embeddings alone"
        yield Problem("head", what, "choose a head that is fitted, such as head=logistic, or loss=cross_entropy")


def _prompt_head_problems(config: Config, parts: Capabilities) -> Iterator[Problem]:
    """Yield the problems of a head that prompts the language model itself: it uses no pooler and has no embeddings."""
    if config["pooler"]["_target_"] != DEFAULT_POOLER:
        yield Problem("pooler", "is not used by a head that prompts the language model", "leave pooler out")
    if {Capability.USES_ONLY_EMBEDDINGS, Capability.IN_BATCH} & parts["loss"].keys():
        yield Problem("loss", "needs pooled embeddings, which this head does not use", "choose loss=cross_entropy")
