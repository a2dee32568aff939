"""The linear layers to which adapters are added: always inside the layers of the encoder, so never in a head."""

from __future__ import annotations

from collections.abc import Sequence

from peft import LoraConfig, PeftConfig, inject_adapter_in_model
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as USUAL
from torch import nn
from transformers.pytorch_utils import Conv1D

from frostline.errors import Problem, UserError, did_you_mean
from frostline.types import Targets

ALL = "all-linear"


def linear_layers(encoder: nn.Module, layers: Sequence[nn.Module]) -> dict[str, nn.Module]:
    """Return the linear modules inside `layers`, by their paths in the encoder."""
    inside = {id(module) for layer in layers for module in layer.modules()}
    every = {path: m for path, m in encoder.named_modules() if isinstance(m, nn.Linear | Conv1D)}
    return {path: module for path, module in every.items() if id(module) in inside}


def model_family(encoder: nn.Module) -> str | None:
    """Return the `model_type` of the encoder's transformers model, or None for any other model."""
    config = getattr(getattr(encoder, "model", None), "config", None)
    return getattr(config, "model_type", None)


def matching_paths(paths: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the paths that end with one of these names, as peft matches them."""
    return [path for path in paths if f".{path}".endswith(tuple(f".{name}" for name in names))]


def required_paths(paths: Sequence[str], names: Sequence[str], key: str) -> list[str]:
    """Return the paths that end with one of these names, each of which must match.

    Raises:
        UserError: a name matches nothing; the message lists the names that exist.
    """
    unmatched = [name for name in names if not matching_paths(paths, [name])]
    known = list(dict.fromkeys(path.rpartition(".")[2] for path in paths))
    problems = [
        Problem(key, f"'{name}' matches no linear layer in the encoder's layers", _suggest_targets(name, known))
        for name in unmatched
    ]
    if not names:
        problems.append(Problem(key, "there are none", _suggest_targets("", known)))
    if problems:
        raise UserError(problems)
    return matching_paths(paths, names)


def _suggest_targets(name: str, known: Sequence[str]) -> str:
    return did_you_mean(name, known, f"choose among: {', '.join(known)}" if known else "choose adapter=prompt")


def inject_low_rank(
    encoder: nn.Module,
    layers: Sequence[nn.Module],
    targets: Targets,
    r: int,
    alpha: float,
    dropout: float,
    dora: bool = False,
) -> None:
    """Add a low-rank product to each target layer, with `dora` also a magnitude for each row of the sum.

    Raises:
        UserError: a target matches nothing.
    """
    paths = _target_paths(encoder, layers, targets)
    config = LoraConfig(
        r=r,
        lora_alpha=alpha,  # type: ignore[arg-type]  # peft only divides it by r, so a float will do
        lora_dropout=dropout,
        target_modules=paths,
        fan_in_fan_out=stores_weights_transposed(encoder, paths),
        use_dora=dora,
    )
    inject_peft_layers(config, encoder)


def _target_paths(encoder: nn.Module, layers: Sequence[nn.Module], targets: Targets) -> list[str]:
    """Return the paths of `targets`: names, `all-linear`, or None for the usual layers of the family."""
    paths = list(linear_layers(encoder, layers))
    if targets is not None and targets != ALL:
        return required_paths(paths, [targets] if isinstance(targets, str) else targets, "adapter.target_modules")
    usual = USUAL.get(model_family(encoder) or "") if targets is None else None
    matches = matching_paths(paths, usual) if isinstance(usual, list) else []
    return matches or required_paths(paths, paths, "adapter.target_modules")


def inject_peft_layers(config: PeftConfig, encoder: nn.Module) -> None:
    """Replace layers of the encoder by those of peft, in place; on the meta device if the encoder is."""
    on_meta = any(p.is_meta for p in encoder.parameters())
    inject_adapter_in_model(config, encoder, low_cpu_mem_usage=on_meta)


def stores_weights_transposed(encoder: nn.Module, paths: Sequence[str]) -> bool:
    """Return whether these layers store their weights as (in, out), as those of GPT-2 do."""
    return any(isinstance(encoder.get_submodule(path), Conv1D) for path in paths)
