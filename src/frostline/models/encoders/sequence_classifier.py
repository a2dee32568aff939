"""The class for sequence classification of a family: its head alone, above a stub, or with the encoder."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForSequenceClassification

from frostline.console import log
from frostline.errors import user_error
from frostline.models.encoders.classification_head import (
    ClassificationHead,
    PoolingStub,
    classification_logits,
    reads_padding,
)
from frostline.models.encoders.text_encoder import turn_into_buffers

DO = "choose another head, such as head=linear"
FINISHED = "ForSequenceClassification"  # ends the class name of a checkpoint that has a trained output layer


def load_stubbed_classifier(
    encoder: Any,
    config: Any,
    names: Sequence[str],
    multi_label: bool,
    path: str | None,
    source: Mapping[str, Any],
    meta: bool = False,
) -> Any:
    """Return the class of the encoder's family with a `PoolingStub` in place of its base model.

    Weights that the checkpoint lacks are initialised as transformers does it. Parameters that have no influence on the
    logits become buffers.

    config: of the checkpoint. names: the classes. path: the folder or the hub id of the checkpoint; None initialises
    all weights. source: further arguments of `from_pretrained`. meta: build it on the meta device, without weights.

    Raises:
        UserError: the family has no such class, or its class has another base model than the encoder.
    """
    labels, config = dict(config.id2label), copy.deepcopy(config)
    config.num_labels = len(names)
    with torch.device("meta"):
        full_model = _full_model(config)
        _check_base(full_model, encoder.model)
        _describe(config, names, multi_label)
        if encoder.tokenizer is not None and reads_padding(type(full_model)):
            config.get_text_config().pad_token_id = _pad_token_id(config, encoder)
        stubbed = _class_with_pooling_stub(full_model, encoder.model)
        model = stubbed(config)
        unused = _unused_parameters(model, encoder.width)
    if not meta and path is None:
        model = stubbed(config)
    elif not meta:
        model = _load(stubbed, config, path, source, labels)
    turn_into_buffers(model, unused)
    return model


def with_base(model: Any, base: Any) -> Any:
    """Return a model of `model`'s class with this base model and the head of `model`; it shares all weights."""
    base, full_model = _shallow_copy(base), _shallow_copy(model)
    for name, module in model.get_submodule(model.base_model_prefix).named_children():
        setattr(base, name, module)
    full_model.set_submodule(model.base_model_prefix, base)
    return full_model


def sequence_classifier(model: Any, base: nn.Module) -> Any:
    """Return an instance of the class of the family, in eval mode, with copies of the weights of `base` and `model`.

    model: the class with a stub. base: the base model, without an adapter.

    Raises:
        UserError: the base model has other weights than the family, such as those of an adapter.
    """
    family = type(model).__mro__[1]
    with torch.random.fork_rng(devices=[]):
        full_model = family(copy.deepcopy(model.config))
    state = {f"{model.base_model_prefix}.{name}": value for name, value in base.state_dict().items()}
    try:
        full_model.load_state_dict(state | model.state_dict())
    except RuntimeError as error:
        what = f"its weights are not those of {family.__name__} ({' '.join(str(error).split())[:160]})"
        raise user_error("encoder", what, "merge its adapter, or take a run without one") from error
    return full_model.eval()


def _full_model(config: Any) -> Any:
    """Return the class for sequence classification of a family, as it is built from a config.

    Raises:
        UserError: transformers has none.
    """
    try:
        return AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call]  # untyped
    except ValueError as error:
        what = f"transformers has no class for sequence classification for {config.model_type}"
        raise user_error("head", what, DO) from error


def _check_base(full_model: Any, base: Any) -> None:
    expected = type(full_model.get_submodule(full_model.base_model_prefix))
    if type(base) is not expected:
        what = f"{type(full_model).__name__} reads the states of {expected.__name__}, of which the encoder is only"
        raise user_error("head", f"{what} {type(base).__name__}", DO)


def _describe(config: Any, names: Sequence[str], multi_label: bool) -> None:
    """Write the names of the classes and the kind of the task into the config."""
    config.id2label = dict(enumerate(names))
    config.label2id = {name: index for index, name in enumerate(names)}
    config.problem_type = f"{'multi' if multi_label else 'single'}_label_classification"


def _pad_token_id(config: Any, encoder: Any) -> int:
    """Return the id of the padding of the tokenizer, else that of the config, else that of the end of a text.

    Raises:
        UserError: the model has an embedding of none of them.
    """
    text, tokenizer = config.get_text_config(), encoder.tokenizer
    ends = text.eos_token_id if isinstance(text.eos_token_id, list) else [text.eos_token_id]
    for candidate in (tokenizer.pad_token_id, text.pad_token_id, tokenizer.eos_token_id, *ends):
        if candidate is not None and 0 <= candidate < encoder.num_embeddings:
            return int(candidate)
    what = f"the class of {config.model_type} finds the last token by that of padding, which this tokenizer lacks"
    raise user_error("head", what, f"set pad_token in its tokenizer_config.json, or {DO}")


def _class_with_pooling_stub(full_model: Any, base: Any) -> Any:
    """Return a subclass of the class of `full_model` with a `PoolingStub` in place of its base model.

    base: that of the encoder; what it lacks belongs to the pooling layer.
    """
    model_class, prefix = type(full_model), full_model.base_model_prefix
    children = [name for name, _ in full_model.get_submodule(prefix).named_children()]
    pooling = [name for name in children if getattr(base, name, None) is None or name.startswith("pooler")]

    def init_with_stub(self: Any, config: Any) -> None:
        model_class.__init__(self, config)
        full_base = self.get_submodule(prefix)
        self.set_submodule(prefix, PoolingStub({name: full_base.get_submodule(name) for name in pooling}))

    members = {"__init__": init_with_stub, "__module__": model_class.__module__}
    return type(model_class.__name__, (model_class,), members)


def _unused_parameters(model: Any, width: int) -> list[str]:
    """Return the parameters that do not influence the logits, such as those of the pooling layer of BigBird.

    Raises:
        UserError: the class needs more than the states of width `width`.
    """
    text = torch.ones(1, 2, dtype=torch.long, device="meta")
    states = torch.zeros(1, 2, width, device="meta")
    try:
        logits = classification_logits(ClassificationHead(model, "right"), states, text, text)
        logits.sum().backward()  # type: ignore[no-untyped-call]  # torch has no type for it
    except Exception as error:  # whatever the code of a family raises
        reason = " ".join(str(error).split())[:160]
        what = f"{type(model).__name__} cannot be computed from the states of the encoder alone ({reason})"
        raise user_error("head", what, DO) from error
    return [name for name, parameter in model.named_parameters() if parameter.grad is None]


def _load(stubbed: Any, config: Any, path: str | None, source: Mapping[str, Any], labels: Mapping[int, str]) -> Any:
    """Return the class with a stub and the weights of the checkpoint, and report which of them it has.

    labels: the classes of the checkpoint.
    """
    options = {"config": config, "dtype": torch.float32, "output_loading_info": True, "ignore_mismatched_sizes": True}
    model, info = stubbed.from_pretrained(path, **options, **source)
    new = set(info["missing_keys"]) | {name for name, *_ in info["mismatched_keys"]}
    loaded = [name for name in model.state_dict() if name not in new]
    message = (
        f"head: {type(model).__name__}; from the checkpoint: {_listed(loaded)}; initialised: {_listed(sorted(new))}"
    )
    output = _output_layer(stubbed, config)
    if output and output <= set(loaded):
        message += f"; its output layer was trained for the classes {', '.join(labels.values())}"
        _sort_output_layer(model, output, [*labels.values()], [*config.id2label.values()])
    log(message)
    return model


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _output_layer(stubbed: Any, config: Any) -> set[str]:
    """Return the names of the weights whose shape depends on the number of classes."""
    larger = copy.deepcopy(config)
    larger.num_labels += 1
    with torch.device("meta"):
        shapes, others = ({n: p.shape for n, p in stubbed(c).named_parameters()} for c in (config, larger))
    return {name for name, shape in shapes.items() if others[name] != shape}


@torch.no_grad()
def _sort_output_layer(model: Any, output: set[str], labels: Sequence[str], names: Sequence[str]) -> None:
    """Sort the rows of the output layer by `names`, if they are the classes of the checkpoint in another order."""
    given, wanted = ([name.casefold() for name in classes] for classes in (labels, names))
    if sorted(given) == sorted(wanted) and len(set(given)) == len(given):
        order = [given.index(name) for name in wanted]
        for name in output:
            parameter = model.get_parameter(name)
            parameter.copy_(parameter[order])


def _shallow_copy(module: nn.Module) -> Any:
    """Return a copy with the same children, which can be replaced in it alone."""
    result = copy.copy(module)
    result._modules = dict(module._modules)
    return result
