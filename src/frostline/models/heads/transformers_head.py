from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from frostline.errors import user_error
from frostline.models.encoders.classification_head import ClassificationHead, classification_logits
from frostline.models.encoders.sequence_classifier import sequence_classifier
from frostline.models.merge import merged_model
from frostline.types import Dropout

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class TransformersHead(nn.Module):
    """The classification head of the encoder's family, as in `AutoModelForSequenceClassification` of transformers.

    It reads the states of all tokens and uses no pooler: BERT has a pre-trained dense layer with tanh on the first
    token, RoBERTa two layers, Llama a linear layer without bias on the last token. Weights come from the checkpoint as
    far as it has them; the others are initialised as in transformers. A checkpoint that was trained to classify into
    the same number of classes has an output layer too; it is sorted by the names of the classes if they are the same.

    dropout: of the head; null: as in the config.json of the encoder.

    Raises:
        UserError: transformers has no such class for the family, or the class does more than to apply layers to the
            states of the encoder, as for T5, which has its decoder below them.
    """

    def __init__(
        self, names: Sequence[str], encoder: Any, multi_label: bool = False, dropout: Dropout | None = None
    ) -> None:
        super().__init__()
        if not hasattr(encoder, "classification_head"):
            what = f"reads a model of transformers, and {type(encoder).__name__} has no method `classification_head`"
            raise user_error("head", what, "choose encoder=hub, or another head such as head=linear")
        self.model, self.padding_side = encoder.classification_head(names, multi_label)
        if dropout is not None:
            self._set_dropout(dropout)

    def _set_dropout(self, dropout: float) -> None:
        modules = [module for module in self.model.modules() if isinstance(module, nn.Dropout)]
        if not modules:
            raise user_error("head.dropout", f"{type(self.model).__name__} has no dropout in its head", "leave it null")
        for module in modules:
            module.p = dropout

    def forward_states(self, states: Tensor, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return logits (B, C) of token states (B, T, D), given input_ids and attention_mask (B, T)."""
        head = ClassificationHead(self.model, self.padding_side)
        return classification_logits(head, states, input_ids, attention_mask)

    def to_sequence_classifier(self, encoder: nn.Module) -> PreTrainedModel:
        """Return the family's class with copies of the weights of encoder and head, in eval mode.

        An adapter is merged into the encoder. The config has the names of the classes, the kind of the task, and the
        padding token. The class expects padding on the side `padding_side`.

        Raises:
            UserError: the adapter cannot be merged.
        """
        model: PreTrainedModel = sequence_classifier(self.model, merged_model(encoder))
        return model
