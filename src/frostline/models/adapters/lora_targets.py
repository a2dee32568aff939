"""Which of an encoder's linear layers adapters go into: always inside its layers, so that no head is among them."""

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
    """The linear layers inside the encoder's layers, by their paths in the encoder."""
    inside = {id(module) for layer in layers for module in layer.modules()}
    every = {path: m for path, m in encoder.named_modules() if isinstance(m, nn.Linear | Conv1D)}
    return {path: module for path, module in every.items() if id(module) in inside}


def family(encoder: nn.Module) -> str | None:
    """The model's family by the name that transformers gives it, None for a model that is none of theirs."""
    config = getattr(getattr(encoder, "model", None), "config", None)
    return getattr(config, "model_type", None)


def matching(paths: Sequence[str], names: Sequence[str]) -> list[str]:
    """Paths that end with one of these names, as peft matches them."""
    return [path for path in paths if f".{path}".endswith(tuple(f".{name}" for name in names))]


def named(paths: Sequence[str], names: Sequence[str], key: str) -> list[str]:
    """The same, where each name must match.

    Raises:
        UserError: with each name that matches nothing, and names that there are.
    """
    odd = [name for name in names if not matching(paths, [name])]
    known = list(dict.fromkeys(path.rpartition(".")[2] for path in paths))
    problems = [
        Problem(key, f"'{name}' matches no linear layer in the encoder's layers", _instead(name, known)) for name in odd
    ]
    if not names:
        problems.append(Problem(key, "there are none", _instead("", known)))
    if problems:
        raise UserError(problems)
    return matching(paths, names)


def _instead(name: str, known: Sequence[str]) -> str:
    return did_you_mean(name, known, f"choose among: {', '.join(known)}" if known else "choose adapter=prompt")


def low_rank(
    encoder: nn.Module,
    layers: Sequence[nn.Module],
    targets: Targets,
    r: int,
    alpha: float,
    dropout: float,
    dora: bool = False,
) -> None:
    """Put a product of two narrow matrices beside each target; with `dora` a magnitude for each row of the sum too.

    Raises:
        UserError: a target matches nothing.
    """
    paths = _chosen(encoder, layers, targets)
    config = LoraConfig(
        r=r,
        lora_alpha=alpha,  # type: ignore[arg-type]  # divided by r: any number does
        lora_dropout=dropout,
        target_modules=paths,
        fan_in_fan_out=transposed(encoder, paths),
        use_dora=dora,
    )
    inject(config, encoder)


def _chosen(encoder: nn.Module, layers: Sequence[nn.Module], targets: Targets) -> list[str]:
    """Paths for `targets`: names, `all-linear`, or None for what is usual in the family, where that is known."""
    paths = list(linear_layers(encoder, layers))
    if targets is not None and targets != ALL:
        return named(paths, [targets] if isinstance(targets, str) else targets, "adapter.target_modules")
    theirs = USUAL.get(family(encoder) or "") if targets is None else None
    return (matching(paths, theirs) if isinstance(theirs, list) else []) or named(
        paths, paths, "adapter.target_modules"
    )


def inject(config: PeftConfig, encoder: nn.Module) -> None:
    """Put peft's layers into the encoder, in place; on shapes alone where the encoder has no more."""
    only_shapes = any(p.is_meta for p in encoder.parameters())
    inject_adapter_in_model(config, encoder, low_cpu_mem_usage=only_shapes)


def transposed(encoder: nn.Module, paths: Sequence[str]) -> bool:
    """Whether these keep their weights as (in, out), as GPT-2's do."""
    return any(isinstance(encoder.get_submodule(path), Conv1D) for path in paths)
