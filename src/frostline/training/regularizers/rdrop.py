from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import user_error
from frostline.models.interfaces import Outputs
from frostline.training.regularizers.base import Regularizer
from frostline.types import Positive


class RDrop(Regularizer):
    """R-Drop (arXiv:2106.14448): two forward passes with different dropout masks must agree on each text.

    The loss of a text is the mean of its two losses, plus alpha times the mean of the two KL divergences between its
    predicted distributions, as in the paper's code; the text of the paper adds up the two losses. For multi-label data
    each class has a distribution, and the divergence is the mean over classes. The paper uses alpha from
    0.1 to 1 for GLUE. It costs two forward passes, which `texts_encoded` counts both.

    Raises:
        UserError: the model has no dropout, so that the two passes could not differ.
    """

    uses_two_passes = True

    def __init__(self, multi_label: bool = False, alpha: Positive = 1.0) -> None:
        self.multi_label, self.alpha = multi_label, alpha

    def begin(self, model: nn.Module, parameters: Mapping[str, nn.Parameter]) -> None:
        if not any(map(has_dropout, model.modules())):
            do = "choose regularizer=none, or give the head some: head.dropout=0.1"
            raise user_error("regularizer", "R-Drop compares two passes, which without any dropout are the same", do)

    def losses(self, run: Callable[[], Outputs], loss: Callable[[Outputs], Tensor]) -> Tensor:
        first, second = run(), run()
        divergences = divergence(first.logits, second.logits, self.multi_label)
        return (loss(first) + loss(second)) / 2 + self.alpha * divergences


def divergence(first: Tensor, second: Tensor, multi_label: bool = False) -> Tensor:
    """Return (KL(first || second) + KL(second || first)) / 2 of each text (B,), from two logits (B, C)."""
    first, second = first.float(), second.float()  # half precision would lose the difference of similar logits
    if multi_label:  # each class is a binary prediction
        first, second = (functional.logsigmoid(binary_logits(logits)) for logits in (first, second))
        return _mean_divergence(first, second).mean(dim=1)
    return _mean_divergence(first.log_softmax(dim=1), second.log_softmax(dim=1))


def binary_logits(logits: Tensor) -> Tensor:
    """Return the logits of yes and no (B, C, 2) from those of yes (B, C)."""
    return logits[..., None] * logits.new_tensor([1.0, -1.0])


def _mean_divergence(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean of both KL divergences over the last dimension, from log-probabilities.

    Their sum is the sum of (p - q)(log p - log q).
    """
    return ((first.exp() - second.exp()) * (first - second)).sum(dim=-1) / 2


def has_dropout(module: nn.Module) -> bool:
    """Return whether a module drops values, by an attribute where attention uses a function for dropout."""
    probabilities = [value for name, value in vars(module).items() if "drop" in name and isinstance(value, float)]
    probabilities += [module.p] if isinstance(module, nn.Dropout) else []
    return any(0 < probability <= 1 for probability in probabilities)
