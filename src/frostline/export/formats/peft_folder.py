"""A folder with the adapter and the head for peft, and the model below them in the folder `base`."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from frostline.errors import Problem
from frostline.export.equality import check_outputs, check_tokenizer
from frostline.export.formats.transformers_folder import load_folder, logits_of_texts, write_model
from frostline.export.merge import encoder_without_adapter, merge_problems
from frostline.export.parts import (
    encoder_problems,
    exported_classifier,
    exported_pooler,
    part_problems,
    prompt_problems,
)
from frostline.export.tokenizer import exported_tokenizer
from frostline.models.encoders.auto_model import quiet_transformers
from frostline.models.merge import tuner_layers
from frostline.models.trained import TrainedModel

BASE = "base"
PATHS = ("target_modules", "feedforward_modules")  # entries of a config of peft that name modules


def problems(trained: TrainedModel) -> Iterator[Problem]:
    """Yield why the model cannot be such a folder."""
    yield from encoder_problems(trained)
    prompts = list(prompt_problems(trained))
    yield from prompts or part_problems(trained)
    unmerged = list(merge_problems(trained))
    yield from unmerged
    if not unmerged and not tuner_layers(trained.model.encoder):
        yield Problem("adapter", "the run has none", "choose --format transformers, or export a run with adapter=lora")


def write(trained: TrainedModel, folder: Path, target: Path) -> str:
    """Write adapter, head and the model below them; return what the folder is.

    target: the path that the folder will have.

    Raises:
        UserError: the loaded folder has other tokens or logits than the trained model.
    """
    from peft import PeftModel, get_peft_model

    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for an attribute that has a newer name
        (folder / BASE).mkdir()
        write_model(trained, folder / BASE, encoder_without_adapter(trained), trained_head=False)
        exported_tokenizer(trained).save_pretrained(folder / BASE)
        with load_folder(folder / BASE) as (model, _):
            adapted = get_peft_model(model, _adapter_config(trained, model))
            adapted.peft_config["default"].base_model_name_or_path = str(target / BASE)
            _copy_weights(trained, adapted)
            adapted.save_pretrained(folder, save_embedding_layers=False)
        with load_folder(folder / BASE) as (model, tokenizer):
            loaded = PeftModel.from_pretrained(model, folder).eval()
            check_tokenizer(trained, tokenizer)
            check_outputs(trained, partial(logits_of_texts, loaded, tokenizer))
    return (
        f"a folder of peft with adapter and head; the model below them is in its folder {BASE}, which "
        "AutoModelForSequenceClassification loads with trust_remote_code=True"
    )


def _adapter_config(trained: TrainedModel, model: Any) -> Any:
    """Return the config of the adapter for a model whose encoder is the module `encoder`."""
    encoder: Any = trained.model.encoder
    config = copy.deepcopy(encoder.peft_config["default"])
    for name in PATHS:
        if paths := getattr(config, name, None):
            setattr(config, name, {f"encoder.{path.removeprefix('model.')}" for path in paths})
    config.task_type = "SEQ_CLS"
    config.modules_to_save = [name for name, module in model.named_children() if name != "encoder" and _state(module)]
    config.inference_mode = True
    return config


def _copy_weights(trained: TrainedModel, adapted: Any) -> None:
    """Copy adapter, pooler and head into the model of peft."""
    encoder: Any = trained.model.encoder
    state = {f"base_model.model.encoder.{name}": value for name, value in encoder.model.state_dict().items()}
    for name, part in (("pooler", exported_pooler(trained)), ("classifier", exported_classifier(trained))):
        if part.weights:
            prefix = f"base_model.model.{name}.modules_to_save.default"
            state |= {f"{prefix}.{key}": value for key, value in part.weights.items()}
    unexpected = adapted.load_state_dict(state, strict=False).unexpected_keys
    assert not unexpected, unexpected


def _state(module: nn.Module) -> bool:
    return bool(module.state_dict())
