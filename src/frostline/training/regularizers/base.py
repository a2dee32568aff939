"""The base class of regularizers, which changes nothing. A regularizer overrides what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from frostline.models.interfaces import Outputs


class Regularizer:
    """No regularization in addition to weight decay."""

    def begin(self, model: nn.Module, parameters: Mapping[str, nn.Parameter]) -> None:
        """Set up, once, before any training; in a resumed run before its trained weights are loaded.

        model: has the modules encoder, pooler and head. parameters: all parameters by plan name, with their
        pre-trained or initial values; those that are trained in some phase require grad.

        Raises:
            UserError: the regularizer would have no effect on this model.
        """

    def losses(self, run: Callable[[], Outputs], loss: Callable[[Outputs], Tensor]) -> Tensor:
        """Return the loss of each text (B,).

        run: does a forward pass over the batch, with new dropout masks. loss: returns the losses of its outputs.
        """
        return loss(run())

    def penalty(self) -> Tensor | None:
        """Return what is added to the mean loss of a batch, if anything; once for all ranks together."""
        return None
