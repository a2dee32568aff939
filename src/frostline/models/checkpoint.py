"""The checkpoint of a complete run, copied into the tensors of a model by their names in the plan."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors import safe_open
from torch import Tensor, nn

from frostline.errors import UserError, user_error
from frostline.models.interfaces import FittedHead
from frostline.results.folder import RunFolder


def load_head(head: nn.Module, run: RunFolder, key: str) -> None:
    """Copy the trained weights of a run's head into a head that was made from its config. key: names the run.

    Raises:
        UserError: the weights are those of another head, or for vectors of another width.
    """
    with safe_open(run.best, framework="pt") as file:
        names = [name for name in file.keys() if name.startswith("head.")]  # noqa: SIM118  # the file is no dict
        weights = {name: file.get_tensor(name) for name in names}
    known, first = _head_tensors(head), 1 if isinstance(head, FittedHead) else 0
    for name in sorted(weights.keys() & known.keys()):
        trained, given = tuple(weights[name].shape), tuple(known[name].shape)
        if trained[first:] != given[first:]:
            what = f"'{name}' of '{run.path}' has the shape {trained}, and vectors of this encoder need {given}"
            raise user_error(key, what, "give a run whose encoder has the same width")
    if missing := sorted(known.keys() - weights.keys()):
        raise misfit(run, missing[0])
    copy_weights(weights, known, run, isinstance(head, FittedHead))


def _head_tensors(head: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a head that shares none with the encoder, by their names in the plan."""
    tensors: dict[str, Tensor] = {f"head.{name}": parameter.detach() for name, parameter in head.named_parameters()}
    return tensors | {f"head.{name}": buffer for name, buffer in head.named_buffers()}


@torch.no_grad()
def copy_weights(
    weights: Mapping[str, Tensor], known: Mapping[str, Tensor], run: RunFolder, resizes: bool = False
) -> None:
    """Copy weights into the tensors of the same names. resizes: they may have another number of rows."""
    if unknown := sorted(weights.keys() - known.keys()):
        raise misfit(run, unknown[0])
    for name, value in weights.items():
        if known[name].shape != value.shape and resizes:
            known[name].resize_(value.shape)  # the number of texts that a head keeps is known when it is fitted
        known[name].copy_(value)


def misfit(run: RunFolder, name: str) -> UserError:
    """Return the error that the checkpoint and the model do not have the same tensors. name: of one of them."""
    what = f"does not fit the model of the run: '{name}' is on one side only"
    return user_error(str(run.best), what, "restore the checkpoint, or use the version of frostline that wrote it")
