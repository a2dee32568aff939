from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import wrong
from frostline.models.interfaces import Outputs
from frostline.training.regularizers.base import Regularizer
from frostline.types import Positive


class RDrop(Regularizer):
    """R-Drop (arXiv:2106.14448): each text is read twice with dropout of its own, and the answers must agree.

    A text's loss is the mean of its two losses and alpha times the mean of both KL divergences between the two
    answers, as in the paper's code; its text adds up the two losses. Of multi-label data each class is an answer of
    its own, and the divergence is the mean over classes. The paper takes alpha from 0.1 to 1 for GLUE. Costs two
    passes: `texts_encoded` counts both.

    Raises:
        UserError: the network has no dropout, so that the two passes could not differ.
    """

    uses_two_passes = True

    def __init__(self, multi_label: bool = False, alpha: Positive = 1.0) -> None:
        self.multi_label, self.alpha = multi_label, alpha

    def begin(self, network: nn.Module, parameters: Mapping[str, nn.Parameter]) -> None:
        if not any(map(_drops, network.modules())):
            do = "choose regularizer=none, or give the head some: head.dropout=0.1"
            raise wrong("regularizer", "R-Drop compares two passes, which without any dropout are the same", do)

    def losses(self, run: Callable[[], Outputs], loss: Callable[[Outputs], Tensor]) -> Tensor:
        first, second = run(), run()
        apart = divergence(first.logits, second.logits, self.multi_label)
        return (loss(first) + loss(second)) / 2 + self.alpha * apart


def divergence(first: Tensor, second: Tensor, multi_label: bool = False) -> Tensor:
    """Logits (B, C) twice -> (KL(first || second) + KL(second || first)) / 2 of each text (B,)."""
    first, second = first.float(), second.float()  # in a mixed step the difference of near answers would be lost
    if multi_label:  # each class: yes or no
        first, second = (functional.logsigmoid(_both(logits)) for logits in (first, second))
        return _symmetric(first, second).mean(dim=1)
    return _symmetric(first.log_softmax(dim=1), second.log_softmax(dim=1))


def _both(logits: Tensor) -> Tensor:
    """(B, C) -> (B, C, 2): for yes and for no."""
    return logits[..., None] * logits.new_tensor([1.0, -1.0])


def _symmetric(first: Tensor, second: Tensor) -> Tensor:
    """The sum of both divergences is the sum of (p - q)(log p - log q) over answers, here the last dimension."""
    return ((first.exp() - second.exp()) * (first - second)).sum(dim=-1) / 2


def _drops(module: nn.Module) -> bool:
    """Some families hold the chance itself, for an attention that drops by function."""
    chances = [value for name, value in vars(module).items() if "drop" in name and isinstance(value, float)]
    chances += [module.p] if isinstance(module, nn.Dropout) else []
    return any(0 < chance <= 1 for chance in chances)
