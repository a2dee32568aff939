"""The class of transformers for sequence classification that has a pooler and a head exactly, if the family has one.

ELECTRA, DeBERTa and RoFormer apply a hidden layer with GELU to the first token, which is head=mlp above pooler=cls;
MobileBERT and XLNet can apply one linear layer to it. No list says so: each class is tried with random weights.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModelForSequenceClassification

from frostline.models.heads.linear import Linear
from frostline.models.heads.logistic import Logistic
from frostline.models.heads.mlp import Mlp
from frostline.models.trained import TrainedModel

VARIANTS: tuple[dict[str, Any], ...] = (  # settings with which the class of a family does less, or other things
    {},
    {"classifier_activation": False},
    {"pooler_hidden_act": "gelu"},
    {"summary_type": "first", "summary_use_proj": False, "summary_activation": None},
)
Layers = Sequence[tuple[Tensor, Tensor]]  # weight and bias of each linear layer, input side first


def plain_classifier(trained: TrainedModel, encoder: Any) -> Any:
    """Return a model of the family's class with the weights of this encoder and of the head; None if it differs.

    encoder: the model of transformers, without an adapter.
    """
    if is_family_head(trained):
        classifier: Any = trained.model.head
        return classifier.to_sequence_classifier(trained.model.encoder)
    layers = _linear_layers(trained.model.head)
    if not layers:
        return None
    for variant in VARIANTS:
        if all(hasattr(encoder.config, name) for name in variant):
            try:
                model = _classifier(encoder, len(trained.classes), variant)
                if _is_equal(model, encoder, trained.model.pooler, layers):
                    _set_layers(model, encoder, layers)
                    return model.float().eval()
            except Exception:  # whatever the code of a family raises that has no such class
                continue
    return None


def is_family_head(trained: TrainedModel) -> bool:
    """Return whether the head is that of the family, which reads token states and leaves as a plain folder."""
    return hasattr(trained.model.head, "to_sequence_classifier")


def _linear_layers(head: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Return the layers of a head that consists of linear layers with GELU between them; none for any other."""
    if type(head) is Linear:
        return [(head.out.weight, head.out.bias)]
    if type(head) is Logistic:
        return [(head.weight, head.bias)]
    if type(head) is Mlp:
        return [(head.hidden.weight, head.hidden.bias), (head.out.weight, head.out.bias)]
    return []


def _classifier(encoder: Any, classes: int, variant: dict[str, Any]) -> Any:
    """Return the family's class around the modules of the encoder."""
    config = copy.deepcopy(encoder.config)
    for name, value in (variant | {"num_labels": classes}).items():
        setattr(config, name, value)
    with torch.device("meta"):
        model: Any = AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call]  # untyped
    base = model.get_submodule(model.base_model_prefix)
    for name, module in encoder.named_children():
        setattr(base, name, module)
    for name, value in [*encoder.named_parameters(recurse=False), *encoder.named_buffers(recurse=False)]:
        setattr(base, name, value)
    for module in _head_modules(model, encoder):
        module.to_empty(device="cpu", recurse=False)
    return model.eval()


def _head_modules(model: Any, encoder: Any) -> Iterator[nn.Module]:
    """Yield the modules that are not in the encoder, in the order of the class."""
    inside = {id(module) for module in encoder.modules()} | {
        id(model),
        id(model.get_submodule(model.base_model_prefix)),
    }
    yield from (module for module in model.modules() if id(module) not in inside)


def _linear_modules(model: Any, encoder: Any, layers: Layers) -> list[nn.Linear]:
    """Return the linear modules of the head, one for each of `layers`.

    Raises:
        ValueError: they have other shapes, or the head has other parameters too.
    """
    modules = [module for module in _head_modules(model, encoder) if list(module.parameters(recurse=False))]
    linear = [module for module in modules if isinstance(module, nn.Linear) and module.bias is not None]
    shapes = [module.weight.shape for module in linear]
    if len(linear) < len(modules) or shapes != [weight.shape for weight, _ in layers]:
        raise ValueError("the family's head has other layers")
    return linear


@torch.no_grad()
def _set_layers(model: Any, encoder: Any, layers: Layers) -> None:
    for module, (weight, bias) in zip(_linear_modules(model, encoder, layers), layers, strict=True):
        module.weight.copy_(weight)
        module.bias.copy_(bias)


@torch.no_grad()
def _is_equal(model: Any, encoder: Any, pooler: nn.Module, layers: Layers) -> bool:
    """Return whether the head of the class is `pooler` and `layers`, with random weights and states in float64."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    chosen = [(normal(*weight.shape), normal(*bias.shape)) for weight, bias in layers]
    for module in _head_modules(model, encoder):
        module.double()
    _set_layers(model, encoder, chosen)
    ids = torch.tensor([[7, 8, 9, 10], [11, 12, 0, 0]])
    mask = (ids != 0).long()
    states = normal(2, 4, layers[0][0].shape[1])
    base = model.get_submodule(model.base_model_prefix)
    hook = base.register_forward_hook(lambda module, args, output: _with_states(output, states))
    try:
        actual = model(input_ids=ids, attention_mask=mask).logits
    finally:
        hook.remove()
    expected = copy.deepcopy(pooler).double()(states, mask)
    for index, (weight, bias) in enumerate(chosen):
        expected = functional.linear(functional.gelu(expected) if index else expected, weight, bias)
    return actual.dtype == torch.float64 and torch.allclose(actual, expected, rtol=1e-9, atol=1e-9)


def _with_states(output: Any, states: Tensor) -> Any:
    """Return the output of a base model with other states; what it computes from its states stays as it is."""
    output["last_hidden_state"] = states
    return output
