"""The trained model of a complete run: encoder, pooler and head with the weights of its best epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor

from frostline.data.corpus import Split
from frostline.errors import user_error
from frostline.instantiate import locate
from frostline.models.adapters.attach import weights_without_adapter
from frostline.models.blocks import ModuleBlock
from frostline.models.build import build_model
from frostline.models.fingerprint import weights_digest
from frostline.models.interfaces import FittedHead, InContext
from frostline.models.model import Model
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder
from frostline.results.identity import ID_DEFAULTS
from frostline.types import Config

PARTS = ("encoder", "adapter", "pooler", "head")


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
    config, result, environment = _read_record(run)
    classes, thresholds = result["classes"], result.get("thresholds")
    count = environment["data"]["texts"]["train"]
    blocks, parts = build_model(config, classes, multi_label=thresholds is not None, texts=count)
    model = Model(**parts).eval()
    if weights_digest(weights_without_adapter(model.encoder, blocks)) != environment["encoder"]["fingerprint"]:
        do = "put the pre-trained weights back as they were, or repeat the run"
        raise user_error(f"{run.path}: encoder", "the pre-trained weights are not those that the run began with", do)
    if isinstance(model.head, InContext):
        if train is None:
            what = "has demonstrations in its prompts, which are training texts of the run"
            raise user_error(f"{run.path}: head", what, "take a run whose head has no demonstrations")
        model.head.set_demonstrations(train(config["dataset"]), config["seed"])
    restore(model, blocks, load_file(run.best), run)
    limits = None if thresholds is None else [thresholds[name] for name in classes]
    return TrainedModel(run, config, result, model, blocks, classes, limits)


def restore(model: Model, blocks: Sequence[ModuleBlock], weights: dict[str, Tensor], run: RunFolder) -> None:
    """Copy the weights of a checkpoint, by their names in the plan, into the model of its run."""
    known: dict[str, Tensor] = {name: p.detach() for block in blocks for name, p in block.parameters.items()}
    head = {f"head.{name}": buffer for name, buffer in model.head.named_buffers()}
    head |= {name: value for name, value in known.items() if name.startswith("head.")}
    known |= head
    if wrong := sorted((weights.keys() - known.keys()) | (head.keys() - weights.keys())):
        what = f"does not fit the model of the run: '{wrong[0]}' is on one side only"
        raise user_error(str(run.best), what, "restore the checkpoint, or use the version of frostline that wrote it")
    with torch.no_grad():
        for name, value in weights.items():
            if known[name].shape != value.shape and isinstance(model.head, FittedHead):
                known[name].resize_(value.shape)  # the number of texts that a head keeps is known when it is fitted
            known[name].copy_(value)


def _read_record(run: RunFolder) -> tuple[Config, dict[str, Any], dict[str, Any]]:
    """Return the config, with the defaults of later versions, the result, and the environment of a complete run."""
    result = run.read_result()
    if result is None:
        what = "contains no complete run: it has no result.json" if run.path.is_dir() else "is not a folder"
        raise user_error(str(run.path), what, "give the folder of a complete run")
    if missing := [file.name for file in (run.config, run.environment, run.best) if not file.exists()]:
        raise user_error(str(run.path), f"has no {' and no '.join(missing)}", "copy the whole folder of the run")
    config = yaml.safe_load(run.config.read_text(encoding="utf-8"))
    config |= {group: _earlier_defaults(group, config[group]) | config[group] for group in PARTS}
    return config, result, read_json(run.environment)


def _earlier_defaults(group: str, part: Config) -> Config:
    """Return the arguments of a part that were added after the run was recorded, with their values until then."""
    added = ID_DEFAULTS.get(group)
    if not added:
        return {}
    known = inspect.signature(locate(part["_target_"])).parameters
    return {key: value for key, value in added.items() if key in known}
