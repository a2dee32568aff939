"""A folder that AutoModelForSequenceClassification and pipeline("text-classification") load."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from torch import Tensor

from frostline.errors import Problem
from frostline.export.equality import check_outputs, check_tokenizer
from frostline.export.labels import label_config
from frostline.export.merge import merge_problems, merged_encoder
from frostline.export.modelling.source import FILE, modelling_source
from frostline.export.parts import (
    encoder_problems,
    exported_classifier,
    exported_pooler,
    part_problems,
    prompt_problems,
)
from frostline.export.plain import is_family_head, plain_classifier
from frostline.export.tokenizer import exported_tokenizer, reads_token_types
from frostline.models.encoders.auto_model import quiet_transformers
from frostline.models.interfaces import LayerMixing
from frostline.models.trained import TrainedModel

MODULE = FILE.removesuffix(".py")
IGNORED = ("_name_or_path", "architectures", "id2label", "label2id", "problem_type", "transformers_version")
CODE = {  # which classes of the modelling file transformers takes
    "auto_map": {
        "AutoConfig": f"{MODULE}.FrostlineConfig",
        "AutoModelForSequenceClassification": f"{MODULE}.FrostlineForSequenceClassification",
    },
    "custom_pipelines": {
        "text-classification": {
            "impl": f"{MODULE}.TruncatingPipeline",
            "pt": ["AutoModelForSequenceClassification"],
            "type": "text",
        }
    },
}


def problems(trained: TrainedModel) -> Iterator[Problem]:
    """Yield why the model cannot be such a folder."""
    yield from encoder_problems(trained)
    prompts = list(prompt_problems(trained))
    if not is_family_head(trained):
        yield from prompts or part_problems(trained)
    yield from merge_problems(trained)


def write(trained: TrainedModel, folder: Path) -> str:
    """Write model, tokenizer and, if no class of transformers is equal to the model, a modelling file.

    Returns what the folder is.

    Raises:
        UserError: the loaded folder has other tokens or logits than the trained model.
    """
    with quiet_transformers():
        encoder = merged_encoder(trained)
        plain = plain_classifier(trained, encoder)
        tokenizer = exported_tokenizer(trained)
        if plain is None:
            write_model(trained, folder, encoder)
        else:
            plain.config.update(label_config(trained) | {"max_tokens": trained.max_length})
            plain.save_pretrained(folder)
            if is_family_head(trained):
                _set_padding(tokenizer, plain.config, trained.model.head)
        tokenizer.save_pretrained(folder)
        check_folder(trained, folder)
    if plain is not None:
        return f"a folder of transformers, which its class {type(plain).__name__} loads"
    return (
        f"a folder of transformers with a modelling file, {FILE}, because no class of transformers has this pooler and "
        "head: load it with trust_remote_code=True"
    )


def _set_padding(tokenizer: Any, config: Any, head: Any) -> None:
    """Let the tokenizer pad with the token, and on the side, by which the class of the family finds the last token."""
    if (pad := config.get_text_config().pad_token_id) is not None:
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(pad)
    tokenizer.padding_side = head.padding_side


def write_model(trained: TrainedModel, folder: Path, encoder: Any, trained_head: bool = True) -> None:
    """Write the modelling file, the config and the weights with this encoder.

    trained_head: whether pooler and head have the trained weights, or those of their initialisation.
    """
    pooling, classifier = exported_pooler(trained), exported_classifier(trained)
    text = modelling_source(type(encoder), pooling.kind, classifier.kind)
    (folder / FILE).write_text(text, encoding="utf-8")
    options = inspect.signature(type(encoder).__init__).parameters
    entries = {
        "encoder": {name: value for name, value in encoder.config.to_dict().items() if name not in IGNORED},
        "encoder_arguments": {"add_pooling_layer": False} if "add_pooling_layer" in options else {},
        "pooler": pooling.arguments,
        "classifier": classifier.arguments,
        "every_layer": isinstance(trained.model.pooler, LayerMixing),
        "token_types": reads_token_types(trained.model.encoder),
        "max_tokens": trained.max_length,
    }
    with _imported(folder / FILE) as module:
        model = module.FrostlineForSequenceClassification(
            module.FrostlineConfig(**entries, **label_config(trained), **CODE)
        )
        model.encoder = encoder
        if trained_head:
            model.pooler.load_state_dict(pooling.weights)
            model.classifier.load_state_dict(classifier.weights)
        model.eval().save_pretrained(folder)


def check_folder(trained: TrainedModel, folder: Path) -> None:
    """Load the folder and compare tokens and logits with those of the trained model.

    Raises:
        UserError: they differ.
    """
    with load_folder(folder) as (model, tokenizer):
        check_tokenizer(trained, tokenizer)
        check_outputs(trained, partial(logits_of_texts, model, tokenizer))


def logits_of_texts(model: Any, tokenizer: Any, texts: list[str]) -> Tensor:
    """Return the logits (N, C) of a model of transformers for texts."""
    logits: Tensor = model(**tokenizer(texts, truncation=True, padding=True, return_tensors="pt")).logits
    return logits


@contextmanager
def load_folder(folder: Path) -> Iterator[tuple[Any, Any]]:
    """Yield the model of the folder, in eval mode, and its tokenizer; within the context its file is imported."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    options: dict[str, Any] = {}
    with _imported(folder / FILE) if (folder / FILE).exists() else nullcontext() as module:
        if module is None:
            model = AutoModelForSequenceClassification.from_pretrained(folder)
        else:
            model = module.FrostlineForSequenceClassification.from_pretrained(folder)
            options["config"] = model.config
        yield model.eval(), AutoTokenizer.from_pretrained(folder, **options)


@contextmanager
def _imported(file: Path) -> Iterator[Any]:
    """Import a modelling file under a name of its own in sys.modules, from which it is removed at the end."""
    name = f"{file.stem}_{uuid4().hex}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[name]
