"""Combinations of parts that cannot work, reported before anything is loaded, with the reason and an alternative."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frostline.config.checks.outline import Outline, known_plan, outline, reinit_problems
from frostline.config.checks.source import capabilities
from frostline.config.checks.task_rules import task_problems
from frostline.config.checks.training_rules import training_problems
from frostline.errors import Problem
from frostline.freezing.build import NO_ADAPTER_TRAINED
from frostline.freezing.plan import plan_problems
from frostline.models.encoders.objectives import Objective, known_objective
from frostline.models.interfaces import Capability
from frostline.models.prompting.template import template_problems, word_problems
from frostline.models.source_runs import source_run, with_original_parts
from frostline.types import Config

NO_ADAPTER = {"_target_": "frostline.models.adapters.none.NoAdapter"}
DEFAULT_POOLER = "frostline.models.poolers.mean.Mean"
HEADS: dict[Objective, str] = {"masked": "head=verbalizer", "causal": "head=likelihood"}
ENCODERS: dict[Objective, str] = {"masked": "encoder=bert_tiny", "causal": "encoder=smollm2"}
ROLES = ("head", "loss", "regularizer", "averaging")

Capabilities = dict[str, dict[str, Any]]  # role -> what `capabilities` returns of its part


def compatibility_problems(config: Config) -> list[Problem]:
    """Return the problems of parts each of which is right by itself."""
    is_from_run = source_run(config["head"]) is not None
    config = with_original_parts(config)
    parts = {role: dict(capabilities(config[role]["_target_"])) for role in ROLES}
    model = outline(config)
    problems = [*_adapter_problems(config, model), *task_problems(config, parts, is_from_run)]
    if Capability.FORWARD_PROMPT in parts["head"]:
        problems += _poolerless_head_problems(config, parts, "prompts the language model")
    elif Capability.FORWARD_STATES in parts["head"]:
        problems += _poolerless_head_problems(config, parts, "reads the states of all tokens")
    elif is_from_run and parts["head"].pop(Capability.FIT, 0) is None:
        problems += _fitted_earlier_problems(model)
    elif Capability.FIT in parts["head"]:
        problems += _fitted_head_problems(config, parts, model)
    else:
        problems += _trained_head_problems(parts, model)
    problems += _language_model_problems(config, parts["head"])
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


def _adapter_problems(config: Config, model: Outline) -> Iterator[Problem]:
    """Yield what a strategy has against an adapter, if without the adapter it would accept the model."""
    if model.problems and not outline(config | {"adapter": NO_ADAPTER}).problems:
        what = "chooses among the encoder's parameters, which are always frozen with an adapter"
        named = [problem for problem in model.problems if "adapter" in problem.what]
        yield from named or [Problem("freezing", what, NO_ADAPTER_TRAINED[1])]


def _fitted_head_problems(config: Config, parts: Capabilities, model: Outline) -> Iterator[Problem]:
    kinds = model.trainable_kinds
    if model.plan is None or kinds is None:
        return  # the model itself is checked once it is built
    if "head" not in kinds:
        what = "keeps the head as it is initialised, and this head must be fitted to the training texts"
        yield Problem("freezing", what, "choose freezing=frozen, or a head that needs no training texts")
    else:
        plan = outline(config, head=False).plan or model.plan
        yield from plan_problems(plan, True, Capability.USES_ONLY_EMBEDDINGS in parts["loss"])


def _fitted_earlier_problems(model: Outline) -> Iterator[Problem]:
    """Yield a problem if something would be trained below a head that was fitted in an earlier run."""
    if model.trainable_kinds:
        what = "trains, and the head of that run was fitted to its vectors and cannot be trained further"
        yield Problem("freezing", what, "choose freezing=direct, or fit a new head, such as head=logistic")


def _trained_head_problems(parts: Capabilities, model: Outline) -> Iterator[Problem]:
    if Capability.USES_ONLY_EMBEDDINGS in parts["loss"] and model.trainable_kinds != set():
        what = "would never be trained: the loss is computed from embeddings alone"
        yield Problem("head", what, "choose a head that is fitted, such as head=logistic, or loss=cross_entropy")


def _poolerless_head_problems(config: Config, parts: Capabilities, does: str) -> Iterator[Problem]:
    """Yield the problems of a head that uses no pooler and has no embeddings. does: what it does in their place."""
    if config["pooler"]["_target_"] != DEFAULT_POOLER:
        yield Problem("pooler", f"is not used by a head that {does}", "leave pooler out")
    if {Capability.USES_ONLY_EMBEDDINGS, Capability.IN_BATCH} & parts["loss"].keys():
        yield Problem("loss", "needs pooled embeddings, which this head does not use", "choose loss=cross_entropy")


def _language_model_problems(config: Config, head: dict[str, Any]) -> Iterator[Problem]:
    """Yield the problems of the prompt template, the verbalizer words, the encoder and the adapter.

    Args:
        head: the capabilities of the head.
    """
    if Capability.TEMPLATE_FIELDS in head:
        yield from template_problems(str(config["head"]["template"]), head[Capability.TEMPLATE_FIELDS].split())
        yield from word_problems(config["head"]["words"])
    if Capability.REQUIRED_OBJECTIVE in head:
        yield from _objective_problems(config["encoder"], head[Capability.REQUIRED_OBJECTIVE])
    if Capability.USES_TREE_ATTENTION in head and "num_virtual_tokens" in config["adapter"]:
        what = "adds virtual tokens before each text, and this head sets the position of every token itself"
        yield Problem("adapter", what, "choose adapter=lora")


def _objective_problems(encoder: Config, required: Objective) -> Iterator[Problem]:
    """Yield a problem if the encoder was not pre-trained with the objective that the head requires."""
    is_known, objective = known_objective(encoder)
    if not is_known or objective == required:
        return
    what, name = f"needs a {required} language model", encoder.get("name")
    if objective is None:
        do = f"choose {ENCODERS[required]}, or give encoder.objective={required} if it has one"
        yield Problem("head", f"{what}, and the checkpoint of encoder '{name}' has no language-model head", do)
    else:
        do = f"choose {HEADS[objective]}, or {ENCODERS[required]}"
        yield Problem("head", f"{what}, and encoder '{name}' is a {objective} one", do)
