"""Heads of the same architecture as one module with stacked parameters, by torch.func.

Shapes: J heads, G batches, B texts of a batch, N texts, D width, C classes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from frostline.seeding import seed_torch

MASK = "mask"


class FixedDropoutMask(nn.Module):
    """Multiply by a mask that the caller sets, instead of a dropout."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer(MASK, torch.ones(1))

    def forward(self, values: Tensor) -> Tensor:
        return values * self.mask


class StackedHeads:
    """The parameters and buffers of J heads, stacked (J, ...) by name.

    Heads may differ in the probabilities of their dropouts. In training each dropout gets the mask that the head by
    itself would sample.
    """

    def __init__(self, heads: Sequence[nn.Module]) -> None:
        first = heads[0]
        self.dropout_probabilities = [[dropout.p for dropout in _dropouts(head).values()] for head in heads]
        self.mask_shapes: list[tuple[int, ...]] = []  # of the input of each dropout, without the batch
        self.evaluated, self.trained = (
            _replace_dropouts(first, nn.Identity).eval(),
            _replace_dropouts(first, nn.Identity),
        )
        self.trained_with_masks = _replace_dropouts(first, FixedDropoutMask)
        self.dropout_names = list(_dropouts(first))
        parameters, self.buffers = stack_module_state(list(heads))
        self.parameters = {name: value.requires_grad_() for name, value in parameters.items()}

    def __len__(self) -> int:
        return len(self.dropout_probabilities)

    def select(self, heads: Sequence[int]) -> None:
        """Continue with the heads at these indices."""
        index = torch.tensor(heads)
        self.parameters = {n: p.detach()[index].requires_grad_() for n, p in self.parameters.items()}
        self.buffers = {name: value[index] for name, value in self.buffers.items()}
        self.dropout_probabilities = [self.dropout_probabilities[head] for head in heads]

    @property
    def has_dropout(self) -> bool:
        return any(map(any, self.dropout_probabilities))

    def logits(self, embeddings: Tensor, batch_of: Tensor, seeds: Sequence[int], sizes: Sequence[int]) -> Tensor:
        """Return the logits (J, B, C) in training, from embeddings (G, B, D).

        batch_of: (J,), the batch of each head; heads with the same batch follow each other. seeds, sizes: for heads
        with dropout, the seed of each head's masks and the number of texts in its batch, the first of its B.
        """
        state = {**self.parameters, **self.buffers}
        if self.has_dropout:
            inputs = embeddings[batch_of]
            masks = self._sample_masks(inputs, seeds, sizes)
            return _call_each(self.trained_with_masks, {**state, **masks}, inputs, 0)
        batches, heads = len(embeddings), len(self) // len(embeddings)
        if not torch.equal(batch_of, torch.arange(batches).repeat_interleave(heads)):
            return _call_each(self.trained, state, embeddings[batch_of], 0)
        by_batch = {name: value.view(batches, heads, *value.shape[1:]) for name, value in state.items()}
        logits: Tensor = vmap(partial(_call_each, self.trained, batch_dim=None))(by_batch, embeddings)
        return logits.flatten(0, 1)

    @torch.no_grad()
    def evaluate(self, embeddings: Tensor, heads: Sequence[int]) -> Tensor:
        """Return the logits (len(heads), N, C) of some heads in eval mode, from the same embeddings (N, D)."""
        index = torch.tensor(heads)
        state = {name: value.detach()[index] for name, value in {**self.parameters, **self.buffers}.items()}
        return _call_each(self.evaluated, state, embeddings, None)

    def weights_of(self, head: int) -> dict[str, Tensor]:
        """Return a copy of one head's parameters."""
        return {name: value.detach()[head].clone() for name, value in self.parameters.items()}

    def _sample_masks(self, inputs: Tensor, seeds: Sequence[int], sizes: Sequence[int]) -> dict[str, Tensor]:
        """Return the masks that the dropouts of each head would sample by itself for its batch, in their order."""
        masks = [inputs.new_ones(len(self), inputs.shape[1], *shape) for shape in self._dropout_shapes(inputs[0, :1])]
        heads = zip(seeds, sizes, self.dropout_probabilities, strict=True)
        for head, (seed, size, probabilities) in enumerate(heads):
            seed_torch(seed, inputs.device)
            for mask, probability in zip(masks, probabilities, strict=True):
                if probability:
                    mask[head, :size] = nn.functional.dropout(torch.ones_like(mask[head, :size]), probability)
        return {f"{name}.{MASK}": mask for name, mask in zip(self.dropout_names, masks, strict=True)}

    def _dropout_shapes(self, text: Tensor) -> list[tuple[int, ...]]:
        """Return the shape of each dropout's input, from the embedding (1, D) of a text."""
        if not self.mask_shapes:
            masks = [module for module in self.trained_with_masks.modules() if isinstance(module, FixedDropoutMask)]
            hooks = [mask.register_forward_pre_hook(self._note_shape) for mask in masks]
            with torch.no_grad():
                self.trained_with_masks(text)
            for hook in hooks:
                hook.remove()
        return self.mask_shapes

    def _note_shape(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.mask_shapes.append(tuple(inputs[0].shape[1:]))


@torch.no_grad()
def incompatibility(heads: Sequence[nn.Module], texts: Tensor) -> str | None:
    """Return why heads cannot be stacked; None if they can. It is tried on the embeddings (B, D) of a few texts.

    A head of the user's may use randomness other than nn.Dropout, keep statistics of its inputs, or depend on the
    other texts of a batch.
    """
    seeds = list(range(len(heads)))
    try:
        stack = StackedHeads(heads)
        inputs, batch_of = texts.expand(len(heads), *texts.shape), torch.arange(len(heads))
        trained = stack.logits(inputs, batch_of, seeds, [len(texts)] * len(heads))
        evaluated = stack.evaluate(texts, seeds)
    except RuntimeError as error:
        return str(error).splitlines()[0]
    for head, seed, in_training, in_evaluation in zip(heads, seeds, trained, evaluated, strict=True):
        before = [buffer.clone() for buffer in head.buffers()]
        torch.manual_seed(seed)
        if not torch.allclose(head.train()(texts), in_training, atol=1e-4, rtol=1e-4):
            return "in training its logits differ from those of a head by itself"
        if not torch.allclose(head.eval()(texts), in_evaluation, atol=1e-4, rtol=1e-4):
            return "in evaluation its logits differ from those of a head by itself"
        if not all(map(torch.equal, before, head.buffers())):
            return "it changes its buffers"
    return None


def _call_each(head: nn.Module, state: Mapping[str, Tensor], embeddings: Tensor, batch_dim: int | None) -> Tensor:
    """Call `head` with the state of each head; batch_dim: the dimension of the heads in `embeddings`, if any."""

    def call(state_of_one: dict[str, Tensor], inputs: Tensor) -> Any:
        return functional_call(head, state_of_one, (inputs,))

    logits: Tensor = vmap(call, in_dims=(0, batch_dim))(dict(state), embeddings)
    return logits


def _dropouts(head: nn.Module) -> dict[str, nn.Dropout]:
    return {path: module for path, module in head.named_modules() if isinstance(module, nn.Dropout)}


def _replace_dropouts(head: nn.Module, replacement: type[nn.Module]) -> nn.Module:
    """Return a copy of a head in training mode with its dropouts replaced. Its parameters are never used."""
    copied = copy.deepcopy(head)
    for path in _dropouts(copied):
        copied.set_submodule(path, replacement())
    return copied.train()
