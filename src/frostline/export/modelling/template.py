"""Config, model and pipeline of an exported folder. The file of a folder has other classes at the first three names."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import BertModel as Encoder
from transformers import PretrainedConfig, PreTrainedModel, TextClassificationPipeline
from transformers.modeling_outputs import SequenceClassifierOutput

from frostline.export.modelling.classifiers import LinearClassifier as Classifier
from frostline.export.modelling.poolings import MeanPooling as Pooling


class FrostlineConfig(PretrainedConfig):
    """The config of the encoder, and the arguments of encoder, pooler and classifier."""

    model_type = "frostline"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        encoder_arguments: dict[str, Any] | None = None,
        pooler: dict[str, Any] | None = None,
        classifier: dict[str, Any] | None = None,
        every_layer: bool = False,
        token_types: bool = False,
        max_tokens: int = 512,
        thresholds: list[float] | None = None,
        **others: Any,
    ) -> None:
        self.encoder, self.encoder_arguments = encoder or {}, encoder_arguments or {}
        self.pooler, self.classifier = pooler or {}, classifier or {}
        self.every_layer = every_layer  # whether the pooler reads the states after every layer
        self.token_types = token_types  # whether the encoder distinguishes the two texts of a pair
        self.max_tokens = max_tokens  # in tokens; training truncated longer texts
        self.thresholds = thresholds  # with several classes a text: the probability from which on each is predicted
        super().__init__(**others)


class FrostlineForSequenceClassification(PreTrainedModel):
    """An encoder, a pooler and a classifier."""

    config_class = FrostlineConfig
    config: FrostlineConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config: FrostlineConfig) -> None:
        super().__init__(config)
        encoder_config = Encoder.config_class.from_dict(config.encoder)
        self.encoder = Encoder(encoder_config, **config.encoder_arguments)
        self.pooler = Pooling(**config.pooler)
        self.classifier = Classifier(**config.classifier)
        self.post_init()

    def get_input_embeddings(self) -> Any:
        return self.encoder.get_input_embeddings()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        **others: Any,
    ) -> SequenceClassifierOutput:
        """Return the logits (texts, classes) of input_ids (texts, tokens), and the loss if there are labels."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        if mask.shape[1] > self.config.max_tokens and int(mask.sum(dim=1).max()) > self.config.max_tokens:
            raise ValueError(f"a text has more than {self.config.max_tokens} tokens: tokenize it with truncation=True")
        inputs = {"input_ids": input_ids, "attention_mask": mask}
        if self.config.token_types and token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        if self.config.every_layer:
            states = torch.stack(self.encoder(**inputs, output_hidden_states=True).hidden_states)
        else:
            states = self.encoder(**inputs).last_hidden_state
        logits = self.classifier(self.pooler(states, mask))
        loss = None if labels is None else self.loss_function(labels, logits, self.config)
        return SequenceClassifierOutput(loss=loss, logits=logits)


class TruncatingPipeline(TextClassificationPipeline):
    """The pipeline text-classification, which truncates texts as training did unless truncation=False is given."""

    def preprocess(self, inputs: Any, **options: Any) -> Any:
        return super().preprocess(inputs, **{"truncation": True, **options})
