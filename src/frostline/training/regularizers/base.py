"""What holds training back beside weight decay. A regularizer overrides what it needs of the class below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from frostline.models.interfaces import Outputs


class Regularizer:
    """Nothing beside the loss."""

    def begin(self, network: nn.Module, parameters: Mapping[str, nn.Parameter]) -> None:
        """Once, before anything has learned, and in a resumed run before what it has learned is put back.

        network: has the parts encoder, pooler and head. parameters: all of them by plan name, as they were
        pre-trained or drawn; those that will ever learn require grad.

        Raises:
            UserError: the regularizer could not act on this network.
        """

    def losses(self, run: Callable[[], Outputs], loss: Callable[[Outputs], Tensor]) -> Tensor:
        """Each text's loss (B,). run: a forward pass over the batch, with new dropout; loss: the losses of one."""
        return loss(run())

    def penalty(self) -> Tensor | None:
        """What is added to the batch's mean loss; on several ranks once, not once a rank."""
        return None
