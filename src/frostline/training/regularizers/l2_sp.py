from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from frostline.training.regularizers.base import Regularizer
from frostline.types import NonNegative, Positive


class L2SP(Regularizer):
    """L2-SP (arXiv:1802.01483): alpha/2 ||w - w0||^2 over what learns of the encoder, beta/2 ||w||^2 over the rest.

    w0 are the pre-trained values, kept beside the model: once more the memory of what learns in the encoder. The paper
    fixes beta at 0.01 and chooses alpha between 0.001 and 1. It has no weight decay beside it; here that of the
    optimizer acts too, unless it is set to 0.
    """

    uses_pretrained_weights = True

    def __init__(self, alpha: Positive = 0.1, beta: NonNegative = 0.01) -> None:
        self.alpha, self.beta = alpha, beta
        self.parameters: Mapping[str, nn.Parameter] = {}
        self.start: dict[str, Tensor] = {}

    def begin(self, network: nn.Module, parameters: Mapping[str, nn.Parameter]) -> None:
        self.parameters = parameters
        pre_trained = {name: p for name, p in parameters.items() if name.startswith("encoder.") and p.requires_grad}
        self.start = {name: p.detach().clone() for name, p in pre_trained.items()}

    def penalty(self) -> Tensor | None:
        """Over what learns in the present phase: for all else it would be a constant."""
        terms = [self._term(name, p) for name, p in self.parameters.items() if p.requires_grad]
        return sum(terms[1:], terms[0]) if terms else None

    def _term(self, name: str, parameter: nn.Parameter) -> Tensor:
        if name not in self.start:
            return parameter.square().sum() * (self.beta / 2)
        self.start[name] = self.start[name].to(parameter.device)  # the model moves there after `begin`
        return (parameter - self.start[name]).square().sum() * (self.alpha / 2)
