"""A folder with an ONNX graph from tokens to logits, and the tokenizer."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from frostline.errors import Problem, user_error
from frostline.export.equality import check_outputs, check_tokenizer, padded, tokenized
from frostline.export.labels import label_config
from frostline.export.parts import CLASSIFIERS, encoder_problems, exported_classifier, prompt_problems
from frostline.export.tokenizer import exported_tokenizer
from frostline.models.encoders.auto_model import quiet_transformers
from frostline.models.model import Model
from frostline.models.trained import TrainedModel

FILE = "model.onnx"
OPSET = 18
AXES = {0: "texts", 1: "tokens"}


def problems(trained: TrainedModel) -> Iterator[Problem]:
    """Yield why the model cannot be such a folder."""
    if missing := [name for name in ("onnxruntime", "onnxscript") if importlib.util.find_spec(name) is None]:
        yield Problem(" and ".join(missing), "is not installed", "pip install 'frostline[export]'")
    yield from encoder_problems(trained)
    yield from prompt_problems(trained)
    if isinstance(getattr(trained.model.encoder, "adapter", None), nn.Module):
        name = trained.config["adapter"]["_target_"].rpartition(".")[2]
        what = f"{name} puts virtual tokens before each text, which torch cannot write as a graph"
        yield Problem("adapter", what, "use frostline predict, or export a run with adapter=lora, dora, ia3 or none")


def write(trained: TrainedModel, folder: Path) -> str:
    """Write graph, config and tokenizer into the folder; return what it is.

    Raises:
        UserError: torch cannot export the model, or onnxruntime computes other logits.
    """
    encoder: Any = trained.model.encoder
    _write_graph(trained, folder / FILE)
    tokenizer = exported_tokenizer(trained)
    with quiet_transformers():
        tokenizer.save_pretrained(folder)
        config = copy.deepcopy(encoder.model.config)
        config.update(label_config(trained) | {"max_tokens": trained.max_length})
        config.save_pretrained(folder)
    check_tokenizer(trained, tokenizer)
    check_outputs(trained, lambda texts: onnx_logits(folder / FILE, tokenizer, texts))
    return f"a graph of ONNX, {FILE}, from input_ids and attention_mask to logits, with the tokenizer"


def onnx_logits(file: Path, tokenizer: Any, texts: list[str]) -> Tensor:
    """Return the logits (N, C) that onnxruntime computes for texts."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    inputs = tokenizer(texts, truncation=True, padding=True, return_tensors="np")
    [logits] = session.run(["logits"], {name: inputs[name] for name in ("input_ids", "attention_mask")})
    return torch.from_numpy(logits)


class _TokensToLogits(nn.Module):
    """The trained model as a function of tensors alone."""

    def __init__(self, trained: TrainedModel) -> None:
        super().__init__()
        self.model = Model(trained.model.encoder, trained.model.pooler, _head(trained))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        batch: Any = {"input_ids": input_ids, "attention_mask": attention_mask}
        logits: Tensor = self.model(batch)
        return logits


def _head(trained: TrainedModel) -> nn.Module:
    """Return the head, or the equal class of a modelling file, which has no branches that depend on the weights."""
    if type(trained.model.head) not in CLASSIFIERS:
        return trained.model.head
    part = exported_classifier(trained)
    classifier = part.kind(**part.arguments)
    classifier.load_state_dict(part.weights)
    return classifier


def _write_graph(trained: TrainedModel, file: Path) -> None:
    encoder: Any = trained.model.encoder
    encoder.reads_pairs = encoder.segment_separator is not None  # the second text of a pair is found by the separator
    model = _TokensToLogits(trained).eval()
    example = padded([row[:12] for row in tokenized(trained)[1][:3]], encoder.pad_id)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                example,
                file,
                input_names=["input_ids", "attention_mask"],
                output_names=["logits"],
                dynamic_shapes={"input_ids": AXES, "attention_mask": AXES},
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # whatever torch raises for an operation without a counterpart
        reason = " ".join(str(error.__cause__ or error).split())[:160]
        names = f"{type(encoder.model).__name__} with {type(trained.model.head).__name__}"
        what = f"torch cannot write {names} as a graph of ONNX ({reason})"
        raise user_error("encoder", what, "choose --format transformers") from error
