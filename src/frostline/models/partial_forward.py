"""A forward pass that begins at one of a model's layers, from states that were computed before.

The `forward` of the layers below is replaced for the time of a call: they return the given states instead of computing
them. Everything that the family does around its layers (masks, rotary and position tables, a last norm) runs unchanged.
A comparison on a real batch decides whether this is exact; an encoder for which it is not is never run this way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from frostline.models.layers import layers_of

Forward = Callable[..., Any]


class _LayerReached(Exception):  # noqa: N818  # not an error: it ends a pass whose upper layers are not needed
    pass


class PartialForward:
    """Runs an encoder up to one of its layers, or from one of its layers on. layers: input side first."""

    def __init__(self, encoder: nn.Module) -> None:
        self.encoder = encoder
        stack = layers_of(encoder)
        self.layers: list[nn.Module] = [] if stack is None else list(stack[1])
        self.num_nones: int | None = None  # Nones after the states in a layer's output tuple; None: no tuple
        self.dtype = torch.float32
        self.source: nn.Module | None = None  # the module whose output is the input of the lowest layer, if any

    def states(self, count: int, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the states (B, T, D) after the `count` lowest layers; nothing above them is computed."""
        outputs: list[Any] = []

        def stop_at_layer(layer: nn.Module, inputs: Any, output: Any) -> None:
            outputs.append(output)
            raise _LayerReached

        hook = self.layers[count - 1].register_forward_hook(stop_at_layer)
        try:
            with contextlib.suppress(_LayerReached):
                self.encoder(input_ids, attention_mask)
        finally:
            hook.remove()
        [output] = outputs
        states: Tensor = output[0] if isinstance(output, tuple) else output
        return states

    @contextlib.contextmanager
    def replace_lower_layers(self, count: int, states: Tensor) -> Iterator[None]:
        """Within the context, let the embeddings and the `count` lowest layers return `states` (B, T, D)."""
        states = states.to(self.dtype)
        output = states if self.num_nones is None else (states, *[None] * self.num_nones)
        source = [] if self.source is None else [self.source]
        with (
            _override_forward(self.layers[:count], lambda *args, **kwargs: output),
            _override_forward(source, lambda *args, **kwargs: states),
        ):
            yield

    @torch.no_grad()
    def incompatibility(self, count: int, input_ids: Tensor, attention_mask: Tensor) -> str | None:
        """Return why the encoder cannot begin after its `count` lowest layers; None if it can, bit for bit.

        The encoder must be in eval mode. The batch should contain padding, to show whether the states of padding
        matter.
        """
        outputs: list[Any] = []
        hooks = [m.register_forward_hook(lambda m, args, output: outputs.append(output)) for m in self.layers[:count]]
        try:
            with self._find_source():
                expected = self.encoder(input_ids, attention_mask)
        finally:
            for hook in hooks:
                hook.remove()
        if len(outputs) != count:
            return f"its {count} lowest layers are used {len(outputs)} times in a pass"
        if not all(_is_states(output, input_ids.shape) for output in outputs):
            return "its layers give each other more than states, or states of another shape"
        self._record_output_form(outputs[-1])
        mask = attention_mask.bool()
        states = outputs[-1][0] if self.num_nones is not None else outputs[-1]

        def is_exact() -> bool:
            # A pass over other texts first: it replaces whatever the layers exchange apart from their outputs.
            self.encoder(input_ids.flip(0), attention_mask.flip(0))
            with self.replace_lower_layers(count, states.masked_fill(~mask.unsqueeze(-1), 0)):
                return torch.equal(self.encoder(input_ids, attention_mask)[mask], expected[mask])

        if is_exact():
            return None
        self.source = None  # other modules may read its output too
        return None if is_exact() else "its upper layers read more than states"

    @contextlib.contextmanager
    def _find_source(self) -> Iterator[None]:
        """Within the context, set `source` to the last module outside the layers whose output the lowest one reads."""
        inside = {id(module) for layer in self.layers for module in layer.modules()}
        outside = [module for module in self.encoder.modules() if id(module) not in inside]
        outputs: list[tuple[nn.Module, Tensor]] = []

        def record_output(module: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                outputs.append((module, output))

        def match_input(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            first = args[0] if args else next(iter(kwargs.values()), None)
            sources = [module for module, output in outputs if output is first]
            self.source = sources[-1] if sources else None

        hooks = [module.register_forward_hook(record_output) for module in outside]
        hooks.append(self.layers[0].register_forward_pre_hook(match_input, with_kwargs=True))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _record_output_form(self, output: Any) -> None:
        self.num_nones = len(output) - 1 if isinstance(output, tuple) else None
        self.dtype = (output[0] if isinstance(output, tuple) else output).dtype


def _is_states(output: Any, text_shape: torch.Size) -> bool:
    first, *rest = output if isinstance(output, tuple) else (output,)
    has_shape = isinstance(first, Tensor) and first.dim() == 3 and first.shape[:2] == text_shape
    return has_shape and all(item is None for item in rest)


@contextlib.contextmanager
def _override_forward(modules: list[nn.Module], forward: Forward) -> Iterator[None]:
    originals = [module.__dict__.get("forward") for module in modules]
    for module in modules:
        module.forward = forward
    try:
        yield
    finally:
        for module, original in zip(modules, originals, strict=True):
            if original is None:
                del module.forward
            else:
                module.forward = original
