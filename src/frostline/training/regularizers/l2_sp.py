from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from frostline.training.regularizers.base import Regularizer
from frostline.types import NonNegative, Positive


class L2SP(Regularizer):
    """L2-SP (arXiv:1802.01483): alpha/2 ||w - w0||^2 over the encoder's trained parameters, beta/2 ||w||^2 over others.

    w0 are the pre-trained values, which take the memory of the encoder's trained parameters once more. The paper fixes
    beta at 0.01 and selects alpha between 0.001 and 1. It has no weight decay in addition to the
    penalty; here the weight decay of the optimizer applies too unless it is 0.
    """

    uses_pretrained_weights = True

    def __init__(self, alpha: Positive = 0.1, beta: NonNegative = 0.01) -> None:
        self.alpha, self.beta = alpha, beta
        self.parameters: Mapping[str, nn.Parameter] = {}
        self.pretrained: dict[str, Tensor] = {}

    def begin(self, model: nn.Module, parameters: Mapping[str, nn.Parameter]) -> None:
        self.parameters = parameters
        of_encoder = {name: p for name, p in parameters.items() if name.startswith("encoder.") and p.requires_grad}
        self.pretrained = {name: p.detach().clone() for name, p in of_encoder.items()}

    def penalty(self) -> Tensor | None:
        """Return the penalty of the parameters that are trained in the current phase; the rest is constant."""
        terms = [self._penalty_of(name, p) for name, p in self.parameters.items() if p.requires_grad]
        return sum(terms[1:], terms[0]) if terms else None

    def _penalty_of(self, name: str, parameter: nn.Parameter) -> Tensor:
        if name not in self.pretrained:
            return parameter.square().sum() * (self.beta / 2)
        self.pretrained[name] = self.pretrained[name].to(parameter.device)  # the model moves there after `begin`
        return (parameter - self.pretrained[name]).square().sum() * (self.alpha / 2)
