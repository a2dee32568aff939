"""A model's own forward, begun at one of its layers: those below are bypassed and states computed before are fed in.

Whatever the family does around its layers (masks, rotary and position tables, a last norm) stays its own business: what
is overridden, for the time of a call, is the `forward` of the layers below, which give states in place of computing
them. Whether that holds is tried on a real batch: a family in which it does not is left alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from frostline.models.layers import layers_of

Forward = Callable[..., Any]


class _Reached(Exception):  # noqa: N818  # no error: what lies above need not be computed
    pass


class PartialForward:
    """The layers of one encoder, input side first, and in which form they give their states."""

    def __init__(self, encoder: nn.Module) -> None:
        self.encoder = encoder
        found = layers_of(encoder)
        self.layers: list[nn.Module] = [] if found is None else list(found[1])
        self.beside: int | None = None  # how many Nones a layer gives after its states; None: it gives states alone
        self.dtype = torch.float32
        self.source: nn.Module | None = None  # what gives the lowest layer its input as it is, where one module does

    def states(self, count: int, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The states (B, T, D) after the `count` lowest layers; nothing above them is computed."""
        found: list[Any] = []

        def reached(layer: nn.Module, given: Any, output: Any) -> None:
            found.append(output)
            raise _Reached

        hook = self.layers[count - 1].register_forward_hook(reached)
        try:
            with contextlib.suppress(_Reached):
                self.encoder(input_ids, attention_mask)
        finally:
            hook.remove()
        [output] = found
        states: Tensor = output[0] if isinstance(output, tuple) else output
        return states

    @contextlib.contextmanager
    def fed(self, count: int, states: Tensor) -> Iterator[None]:
        """Within it the embeddings and the `count` lowest layers give `states` (B, T, D), whatever they are given."""
        states = states.to(self.dtype)
        output = states if self.beside is None else (states, *[None] * self.beside)
        source = [] if self.source is None else [self.source]
        with (
            _overridden(self.layers[:count], lambda *given, **more: output),
            _overridden(source, lambda *given, **more: states),
        ):
            yield

    @torch.no_grad()
    def objection(self, count: int, input_ids: Tensor, attention_mask: Tensor) -> str | None:
        """Why this encoder cannot begin after its `count` lowest layers; None: it can, to the bit on this batch.

        The encoder is in eval mode. A batch with padding shows whether states behind a text's end matter.
        """
        outputs: list[Any] = []
        hooks = [m.register_forward_hook(lambda m, given, output: outputs.append(output)) for m in self.layers[:count]]
        try:
            with self._source_noted():
                whole = self.encoder(input_ids, attention_mask)
        finally:
            for hook in hooks:
                hook.remove()
        if len(outputs) != count:
            return f"its {count} lowest layers are used {len(outputs)} times in a pass"
        if not all(_is_states(output, input_ids.shape) for output in outputs):
            return "its layers give each other more than states, or states of another shape"
        self._form(outputs[-1])
        kept = attention_mask.bool()
        states = outputs[-1][0] if self.beside is not None else outputs[-1]

        def same() -> bool:
            self.encoder(input_ids.flip(0), attention_mask.flip(0))  # what layers hand on aside is now of other texts
            with self.fed(count, states.masked_fill(~kept.unsqueeze(-1), 0)):
                return torch.equal(self.encoder(input_ids, attention_mask)[kept], whole[kept])

        if same():
            return None
        self.source = None  # its output may have other readers
        return None if same() else "its upper layers read more than states"

    @contextlib.contextmanager
    def _source_noted(self) -> Iterator[None]:
        """Within it `source` is looked for: the last module beside the layers whose output the lowest one is given."""
        inside = {id(module) for layer in self.layers for module in layer.modules()}
        beside = [module for module in self.encoder.modules() if id(module) not in inside]
        given: list[tuple[nn.Module, Tensor]] = []

        def told(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                given.append((module, output))

        def asked(layer: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
            first = inputs[0] if inputs else next(iter(named.values()), None)
            found = [module for module, output in given if output is first]
            self.source = found[-1] if found else None

        hooks = [module.register_forward_hook(told) for module in beside]
        hooks.append(self.layers[0].register_forward_pre_hook(asked, with_kwargs=True))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _form(self, output: Any) -> None:
        self.beside = len(output) - 1 if isinstance(output, tuple) else None
        self.dtype = (output[0] if isinstance(output, tuple) else output).dtype


def _is_states(output: Any, texts: torch.Size) -> bool:
    first, *others = output if isinstance(output, tuple) else (output,)
    ragged = isinstance(first, Tensor) and first.dim() == 3 and first.shape[:2] == texts
    return ragged and all(other is None for other in others)


@contextlib.contextmanager
def _overridden(layers: list[nn.Module], forward: Forward) -> Iterator[None]:
    before = [layer.__dict__.get("forward") for layer in layers]
    for layer in layers:
        layer.forward = forward
    try:
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            if own is None:
                del layer.forward
            else:
                layer.forward = own
