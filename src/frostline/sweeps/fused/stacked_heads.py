"""Heads of one kind as one: their parameters stacked, their products batched.

Shapes: J heads, B texts of each one's batch, D width, C classes.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from frostline.drawing import begin

MASK = "mask"


class FixedDropoutMask(nn.Module):
    """In the place of a dropout: multiplies by what the head's own would have drawn."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer(MASK, torch.ones(1))

    def forward(self, values: Tensor) -> Tensor:
        return values * self.mask


class StackedHeads:
    """The parameters of J heads, (J, ...) each by the name that it has in a head."""

    def __init__(self, heads: Sequence[nn.Module]) -> None:
        first = heads[0]
        self.rates = [[part.p for part in _dropouts(head).values()] for head in heads]
        self.widths: list[tuple[int, ...]] = []  # what each dropout of a head is given, less the batch
        self.resting, self.plain = _bare(first, nn.Identity).eval(), _bare(first, nn.Identity).train()
        self.learning = _bare(first, FixedDropoutMask).train()
        self.masked = list(_dropouts(first))
        own = [dict(head.named_parameters()) for head in heads]
        self.parameters = {n: torch.stack([p[n].detach() for p in own]).requires_grad_() for n in own[0]}
        fixed = [dict(head.named_buffers()) for head in heads]
        self.buffers = {name: torch.stack([b[name] for b in fixed]) for name in fixed[0]}

    def __len__(self) -> int:
        return len(self.rates)

    def keep(self, places: Sequence[int]) -> None:
        """Go on with these heads alone."""
        index = torch.tensor(places)
        self.parameters = {n: p.detach()[index].requires_grad_() for n, p in self.parameters.items()}
        self.buffers = {name: value[index] for name, value in self.buffers.items()}
        self.rates = [self.rates[place] for place in places]

    @property
    def draws(self) -> bool:
        """Whether chance has a part in what a head says while it learns."""
        return any(map(any, self.rates))

    def logits(self, vectors: Tensor, which: Tensor, seeds: Sequence[int], rows: Sequence[int]) -> Tensor:
        """Of each head's own texts, as it learns: vectors (G, B, D) of G batches, which (J,) of them -> (J, B, C).

        Heads with the same batch stand beside each other. seeds: what each head's dropout draws from, if any; rows:
        how many of its B texts are its batch, the first ones.
        """
        state = {**self.parameters, **self.buffers}
        if self.draws:
            own = vectors[which]
            return self._called(self.learning, {**state, **self._masks(own, seeds, rows)}, own, 0)
        batches, heads = len(vectors), len(self) // len(vectors)
        if not torch.equal(which, torch.arange(batches).repeat_interleave(heads)):
            return self._called(self.plain, state, vectors[which], 0)
        shared = {name: value.view(batches, heads, *value.shape[1:]) for name, value in state.items()}
        found: Tensor = vmap(partial(self._called, self.plain, texts=None))(shared, vectors)
        return found.flatten(0, 1)

    @torch.no_grad()
    def read(self, vectors: Tensor, places: Sequence[int]) -> Tensor:
        """What some of the heads say of the same texts (N, D) -> (len(places), N, C)."""
        index = torch.tensor(places)
        chosen = {name: value.detach()[index] for name, value in {**self.parameters, **self.buffers}.items()}
        return self._called(self.resting, chosen, vectors, None)

    def of(self, place: int) -> dict[str, Tensor]:
        """One head's own parameters, a copy."""
        return {name: value.detach()[place].clone() for name, value in self.parameters.items()}

    def _called(self, head: nn.Module, state: Mapping[str, Tensor], vectors: Tensor, texts: int | None) -> Tensor:
        def one(own: dict[str, Tensor], given: Tensor) -> Any:
            return functional_call(head, own, (given,))

        found: Tensor = vmap(one, in_dims=(0, texts))(dict(state), vectors)
        return found

    def _masks(self, vectors: Tensor, seeds: Sequence[int], rows: Sequence[int]) -> dict[str, Tensor]:
        """What the dropouts of each head would draw alone: one after the other, for its own batch."""
        widths = self._widths(vectors[0, :1])
        found = [vectors.new_ones(len(self), vectors.shape[1], *width) for width in widths]
        for head, (seed, count, rates) in enumerate(zip(seeds, rows, self.rates, strict=True)):
            begin(seed, vectors.device)
            for mask, rate in zip(found, rates, strict=True):
                if rate:
                    mask[head, :count] = nn.functional.dropout(torch.ones_like(mask[head, :count]), rate)
        return {f"{path}.{MASK}": mask for path, mask in zip(self.masked, found, strict=True)}

    def _widths(self, text: Tensor) -> list[tuple[int, ...]]:
        """text (1, D)."""
        if not self.widths:
            asked = [module.register_forward_pre_hook(self._note) for module in _given(self.learning)]
            with torch.no_grad():
                self.learning(text)
            for hook in asked:
                hook.remove()
        return self.widths

    def _note(self, module: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.widths.append(tuple(given[0].shape[1:]))


@torch.no_grad()
def objection(heads: Sequence[nn.Module], texts: Tensor) -> str | None:
    """Why these heads cannot stand in a stack, tried on a few texts (B, D) as they learn; None: they can.

    A head of a user's own may draw chance otherwise than by nn.Dropout, keep what it sees, or look across its batch.
    """
    stack, rows = StackedHeads(heads), [len(texts)] * len(heads)
    seeds = list(range(len(heads)))
    try:
        found = stack.logits(texts.expand(len(heads), *texts.shape), torch.arange(len(heads)), seeds, rows)
        alone = stack.read(texts, seeds)
    except RuntimeError as error:
        return str(error).splitlines()[0]
    for head, seed, learning, resting in zip(heads, seeds, found, alone, strict=True):
        before = [buffer.clone() for buffer in head.buffers()]
        torch.manual_seed(seed)
        if not torch.allclose(head.train()(texts), learning, atol=1e-4, rtol=1e-4):
            return "one says something else than alone while it learns"
        if not torch.allclose(head.eval()(texts), resting, atol=1e-4, rtol=1e-4):
            return "one says something else than alone at rest"
        if not all(map(torch.equal, before, head.buffers())):
            return "one keeps what it sees"
    return None


def _dropouts(head: nn.Module) -> dict[str, nn.Dropout]:
    return {path: module for path, module in head.named_modules() if isinstance(module, nn.Dropout)}


def _given(head: nn.Module) -> list[nn.Module]:
    return [module for module in head.modules() if isinstance(module, FixedDropoutMask)]


def _bare(head: nn.Module, stand_in: type[nn.Module]) -> nn.Module:
    """A copy without chance of its own; its numbers are never looked at."""
    found = copy.deepcopy(head)
    for path in _dropouts(found):
        found.set_submodule(path, stand_in())
    return found
