from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frostline.errors import user_error
from frostline.freezing.adaptive import AdaptivePlan, PhaseController
from frostline.freezing.plan import Block, Phase, Rule
from frostline.types import Count, Share

if TYPE_CHECKING:
    from torch import Tensor


def autofreeze(blocks: Sequence[Block], points: Count = 20, percentile: Share = 0.5) -> AdaptivePlan:
    """Freeze a growing prefix of layers whose gradients have stopped changing (AutoFreeze, arXiv:2102.01386).

    At `points` evenly spaced points of the run, the gradients of each layer since the last point are summed, and the
    L1 norm of the sum is compared with that of the point before: |after - before| / before. Of the layers that are
    still trainable, the prefix of those below the `percentile` of these ratios is frozen, the embeddings with the
    lowest layer, and stays frozen. The top layer is never frozen. As in the paper's code, except that the code makes a
    new optimizer at each freeze, and here the optimizer keeps its state.

        $ frostline plan freezing=autofreeze
        phase   epochs       emb  0  1  head  trainable  frost line
        all     from 1       1    1  1  1     4,369,795  0 of 5
        from 1  when stable  ·    ·  1  1     198,659    2 of 5
        4,369,795 of 4,369,795 parameters are trainable in at least one phase

    Raises:
        UserError: the encoder has one layer only, or layers that are one block.
    """
    layers = [block for block in blocks if block.kind == "layer" and block.parameters]
    if len(layers) < 2:
        do = "choose another strategy, such as freezing=full"
        raise user_error(
            "freezing", f"the encoder has {len(layers)} layers to choose from, autofreeze needs 2 or more", do
        )
    low = [block for block in blocks if block.kind == "embeddings" and block.parameters]
    phases = [Phase("all", (("*", 1.0),))]
    for count in range(1, len(layers)):
        frozen: list[Rule] = [(f"{block.name}.*", None) for block in [*low, *layers[:count]]]
        phases.append(Phase(f"from {count}", (*frozen, ("*", 1.0))))
    return AdaptivePlan(tuple(phases), GradientChange([block.name for block in layers], points, percentile))


class GradientChange(PhaseController):
    """Move to the phase with i frozen layers when the gradients of the lowest i layers have stopped changing."""

    def __init__(self, layers: Sequence[str], points: int, percentile: float) -> None:
        self.layers, self.points, self.percentile = list(layers), points, percentile
        self.sums: dict[str, Tensor] = {}
        self.before: dict[str, float] = {}
        self.passed = 0

    def phase_start(self, index: int) -> str:
        return "when stable" if index else "from 1"

    def after_backward(self, index: int, progress: float, gradients: Mapping[str, Tensor]) -> int:
        for name, gradient in gradients.items():
            if name.startswith(tuple(f"{layer}." for layer in self.layers[index:])):
                self.sums[name] = self.sums[name] + gradient if name in self.sums else gradient.clone()
        if int(progress * self.points + 1e-9) <= self.passed:
            return index
        self.passed += 1
        norms = {layer: self._norm(layer) for layer in self.layers[index:]}
        self.sums = {}
        before, self.before = self.before, norms
        return self._prefix(index, before, norms) if before else index

    def _norm(self, layer: str) -> float:
        return sum(float(total.abs().sum()) for name, total in self.sums.items() if name.startswith(f"{layer}."))

    def _prefix(self, index: int, before: Mapping[str, float], norms: Mapping[str, float]) -> int:
        """Return the index of the lowest trainable layer whose change is not below the percentile of all changes."""
        changes = [abs(before[layer] - norms[layer]) / max(before[layer], 1e-12) for layer in self.layers[index:]]
        limit = _percentile(changes, self.percentile)
        return index + next(i for i, change in enumerate(changes) if change >= limit)

    def state_dict(self) -> dict[str, Any]:
        return {"sums": self.sums, "before": self.before, "passed": self.passed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.sums, self.before, self.passed = state["sums"], state["before"], state["passed"]


def _percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile with linear interpolation between the ordered values, as numpy does."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])
