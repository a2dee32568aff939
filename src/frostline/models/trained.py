"""The trained model of a complete run: encoder, pooler and head with the weights of its best epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from frostline.data.corpus import Split
from frostline.data.tasks import task_spans
from frostline.errors import UserError, user_error
from frostline.instantiate import locate
from frostline.models.adapters.attach import merge_adapter
from frostline.models.blocks import ModuleBlock
from frostline.models.build import build_model
from frostline.models.checkpoint import copy_weights, misfit
from frostline.models.fingerprint import weights_digest, weights_without_adapter
from frostline.models.interfaces import FittedHead, InContext
from frostline.models.model import Model
from frostline.models.source_runs import ROLES, merge_problem, read_config, run_problem
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.results.identity import ID_DEFAULTS
from frostline.types import Config


@dataclass(frozen=True)
class TrainedModel:
    """The model of a complete run, in eval mode, on the CPU.

    config: as recorded. result: result.json of the run. classes: the names of the classes, in the order of the logits.
    thresholds: for multi-label data, the probability from which on each class is predicted; otherwise None.
    """

    folder: RunFolder
    config: Config
    result: dict[str, Any]
    model: Model
    blocks: Sequence[ModuleBlock]
    classes: Sequence[str]
    thresholds: Sequence[float] | None

    @property
    def multi_label(self) -> bool:
        """Return whether a text can have several classes."""
        return self.thresholds is not None

    @property
    def max_length(self) -> int:
        """Return the largest number of tokens of a text that the model reads."""
        length: int = self.config["dataset"]["max_length"]
        return length

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the class probabilities (B, C) of logits (B, C), in float32, as the run recorded them."""
        return logits.float().sigmoid() if self.multi_label else logits.float().softmax(dim=-1)


def load_trained(run: RunFolder, train: Callable[[Config], Split] | None = None) -> TrainedModel:
    """Build the model of a complete run and load its weights.

    train: returns the training texts of the run, given `dataset` of its config; only called for a head whose prompts
    contain demonstrations.

    Raises:
        UserError: the run is not complete, its checkpoint does not exist or belongs to another model, or the
            pre-trained weights on this machine are not those that the run began with.
    """
    record = _read_record(run)
    config, result = record[:2]
    if task_spans(config["dataset"], result["classes"]):
        what = "has several tasks, and predictions for further texts need a run with one"
        raise user_error(str(run.path), what, "repeat the run with one of its tasks as dataset=<task>")
    blocks, model = _build(run, *record)
    if isinstance(model.head, InContext):
        if train is None:
            what = "has demonstrations in its prompts, which are training texts of the run"
            raise user_error(f"{run.path}: head", what, "take a run whose head has no demonstrations")
        model.head.set_demonstrations(train(config["dataset"]), config["seed"])
    restore(model, blocks, load_file(run.best), run)
    classes, thresholds = result["classes"], result.get("thresholds")
    limits = None if thresholds is None else [thresholds[name] for name in classes]
    return TrainedModel(run, config, result, model, blocks, classes, limits)


def load_encoder(run: RunFolder, arguments: Config) -> nn.Module:
    """Return the encoder of a complete run with its trained weights, in which an adapter is merged.

    arguments: values for arguments of the encoder in place of the recorded ones; those that it does not have are
    ignored.

    Raises:
        UserError: see `load_trained`; or the adapter cannot be merged.
    """
    config, *others = _read_record(run)
    encoder = config["encoder"]
    config |= {"encoder": encoder | {key: value for key, value in arguments.items() if key in encoder}}
    blocks, model = _build(run, config, *others)
    known = {name: p.detach() for block in blocks if block.kind != "head" for name, p in block.parameters.items()}
    weights = {name: value for name, value in load_file(run.best).items() if not name.startswith("head.")}
    copy_weights(weights, known, run)
    if not merge_adapter(model.encoder, blocks):
        raise UserError(merge_problem(run, str(run.path)))
    return model.encoder


def restore(model: Model, blocks: Sequence[ModuleBlock], weights: dict[str, Tensor], run: RunFolder) -> None:
    """Copy the weights of a checkpoint, by their names in the plan, into the model of its run."""
    known: dict[str, Tensor] = {name: p.detach() for block in blocks for name, p in block.parameters.items()}
    head = {f"head.{name}": buffer for name, buffer in model.head.named_buffers()}
    head |= {name: value for name, value in known.items() if name.startswith("head.")}
    if missing := sorted(head.keys() - weights.keys()):
        raise misfit(run, missing[0])
    copy_weights(weights, known | head, run, isinstance(model.head, FittedHead))


def _build(
    run: RunFolder, config: Config, result: dict[str, Any], environment: dict[str, Any]
) -> tuple[list[ModuleBlock], Model]:
    """Return the blocks and the model of a run as it began.

    Raises:
        UserError: the pre-trained weights are others.
    """
    count, is_multi_label = environment["data"]["texts"]["train"], result.get("thresholds") is not None
    blocks, parts = build_model(config, result["classes"], multi_label=is_multi_label, texts=count)
    model = Model(**parts).eval()
    if weights_digest(weights_without_adapter(model.encoder, blocks)) != environment["encoder"]["fingerprint"]:
        do = "put the pre-trained weights back as they were, or repeat the run"
        raise user_error(f"{run.path}: encoder", "the pre-trained weights are not those that the run began with", do)
    return blocks, model


def _read_record(run: RunFolder) -> tuple[Config, dict[str, Any], dict[str, Any]]:
    """Return the config, with the defaults of later versions, the result, and the environment of a complete run."""
    if (problem := run_problem(run, str(run.path))) is not None:
        raise UserError(problem)
    config = read_config(run)
    config = config | {group: _earlier_defaults(group, config[group]) | config[group] for group in ROLES}
    return config, read_json(run.result), read_json(run.environment)


def _earlier_defaults(group: str, part: Config) -> Config:
    """Return the arguments of a part that were added after the run was recorded, with their values until then."""
    added = ID_DEFAULTS.get(group)
    if not added:
        return {}
    known = inspect.signature(locate(part["_target_"])).parameters
    return {key: value for key, value in added.items() if key in known}
