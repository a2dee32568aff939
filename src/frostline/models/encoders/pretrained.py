from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from frostline.console import log
from frostline.data.corpus import Text
from frostline.data.token_counts import TokenizedTexts
from frostline.errors import user_error
from frostline.models.call_order import meta_states, output_width
from frostline.models.encoders.auto_model import enable_gradient_checkpointing, load_auto_model, quiet_transformers
from frostline.models.encoders.classification_head import ClassificationHead
from frostline.models.encoders.classifier_probe import build_classification_head
from frostline.models.encoders.language_model_head import LanguageModelHead, build_language_model_head
from frostline.models.encoders.objectives import objective_of_architectures
from frostline.models.encoders.positions import read_positions
from frostline.models.encoders.probe import padding_problem
from frostline.models.encoders.text_encoder import token_embeddings, without_decoder
from frostline.models.encoders.tokenizer import (
    SpecialTokens,
    check_ids,
    check_segments,
    count_cut_tokens,
    segment_separator,
    special_token_types,
    token_types,
    tokenizer_digest,
)
from frostline.models.encoders.verified import checkpoint_key, read_verified, write_verified
from frostline.models.layers import parallel_lists, reinitialise_top_layers
from frostline.types import NonNegativeInt


class Pretrained(nn.Module):
    """An AutoModel of transformers with its tokenizer, from a hub id, a local folder or a folder in a pinned package.

    Weights are converted to float32. The pooling layer of the model is left out, because a pooler of ours follows. Of
    an encoder-decoder (T5, BART) the encoder is used, of a model of texts and images (CLIP) the text tower.

    untrained: initialise all weights at random. reinit_top: initialise so many of the top layers again
    (arXiv:2006.05987); the fingerprint of the weights is then that of the initialised model. objective: the
    pre-training objective, if the checkpoint still has the head for it; null reads it from config.json.
    gradient_checkpointing: recompute the activations inside trained layers in the backward pass, for less memory.

    Raises:
        UserError: the folder does not exist, the hub cannot be reached, or the weights do not fit the architecture.
    """

    local_folders = ("name",)

    def __init__(
        self,
        name: str,
        revision: str | None = None,
        pin: dict[str, Any] | None = None,
        untrained: bool = False,
        reinit_top: NonNegativeInt = 0,
        objective: Literal["masked", "causal"] | None = None,
        gradient_checkpointing: bool = False,
        weights: bool = True,
    ) -> None:
        super().__init__()
        loaded = load_auto_model(name, revision, pin, untrained, weights)
        if loaded.is_part and objective is not None:
            what = f"{objective!r}, but only the part of '{name}' that encodes texts is used, which has no such head"
            raise user_error("encoder.objective", what, "set it to null, and choose a head that reads vectors")
        if lists := parallel_lists(loaded.model):
            what = (
                f"{type(loaded.model).__name__} has no module for a layer, but lists of their parts: {', '.join(lists)}"
            )
            raise user_error("encoder.name", what, "choose a family that has one module for each layer, such as BERT")
        path = None if untrained else loaded.path
        self.model: nn.Module = loaded.model
        config: Any = self.model.config
        self.is_part = loaded.is_part  # of a model that also has a decoder, or a tower for images
        self.tokenizer = loaded.tokenizer
        if gradient_checkpointing:
            enable_gradient_checkpointing(self.model)
        reinitialise_top_layers(self.model, reinit_top)
        self.objective = None if self.is_part else objective
        if not self.is_part and objective is None and pin is None:
            self.objective = objective_of_architectures(config.architectures)
        checkpoint = {"config": loaded.config, "path": path, "source": loaded.source, "meta": not weights}
        self._build_head: Callable[..., LanguageModelHead] = partial(build_language_model_head, **checkpoint)
        self._build_classifier: Callable[..., ClassificationHead] = partial(build_classification_head, **checkpoint)
        table = token_embeddings(self.model)
        self.num_embeddings = None if table is None else table.num_embeddings  # tokens of which the model has one
        self.layers: int = config.num_hidden_layers
        self.max_positions: int | None = None  # measured below
        self._trained_positions: int | None = None
        self.num_virtual_tokens = 0  # of an adapter, which take positions before each text
        self.special_types = special_token_types(self.tokenizer)
        self.segment_separator = segment_separator(config, self.tokenizer, bool(self.special_types))
        self.special_tokens = SpecialTokens(self.tokenizer)
        self.reads_pairs = False
        self.accepts_position_ids = "position_ids" in inspect.signature(self.model.forward).parameters
        arguments = {"name": name, "revision": revision, "pin": pin, "untrained": untrained, "reinit_top": reinit_top}
        key = checkpoint_key({**arguments, "objective": objective})
        self.width, self.max_positions, self._trained_positions = self._measured(key, weights)

    def _measured(self, key: str | None, weights: bool) -> tuple[int, int | None, int | None]:
        """Return the width of the states, the largest number of tokens, and the number that config.json states.

        With weights it is tested that padding changes no state, unless this checkpoint was tested before.

        Raises:
            UserError: the states of a text depend on the other texts in its batch.
        """
        if (recorded := read_verified(key)) is not None:
            return recorded["width"], recorded["limit"], recorded["stated"]
        config: Any = self.model.config
        width = output_width(self) or int(config.hidden_size)
        limit, stated = read_positions(config, self.model, lambda tokens: meta_states(self, tokens) is not None)
        if weights:
            if (what := padding_problem(self, limit)) is not None:
                do = "choose an encoder that gives a text the same embedding in every batch, such as BERT or T5"
                raise user_error("encoder.name", what, do)
            write_verified(key, {"width": width, "limit": limit, "stated": stated})
        return width, limit, stated

    @property
    def pad_id(self) -> int:
        """Return the id that pads shorter texts; any id will do if the tokenizer has none, since it is masked.

        The same holds if the padding token was added to the tokenizer and the model has no embedding of it.
        """
        pad_id: int = getattr(self.tokenizer, "pad_token_id", None) or 0
        return pad_id if self.num_embeddings is None or pad_id < self.num_embeddings else 0

    def tokenize(self, texts: Sequence[Text], max_length: int) -> list[list[int]]:
        """Return the token ids of each text with special tokens, truncated to `max_length`; of a pair the longer text.

        A special token in a text, such as [SEP], is read as ordinary characters.

        Raises:
            UserError: the encoder has no positions for so many tokens, has no embedding of one of them, or would read
                pairs wrongly.
        """
        return self.tokenize_and_count(texts, max_length).ids

    def tokenize_and_count(self, texts: Sequence[Text], max_length: int) -> TokenizedTexts:
        """Return the same as `tokenize`, and how much of each text is left out."""
        if self.max_positions is not None and max_length > self.max_positions:
            virtual = f" beside the {self.num_virtual_tokens} of the adapter" if self.num_virtual_tokens else ""
            what = f"{max_length} tokens, but the encoder reads at most {self.max_positions}{virtual}"
            raise user_error("dataset.max_length", what, f"set it to {self.max_positions} or less")
        assert self.tokenizer is not None
        options = {"split_special_tokens": True, "return_attention_mask": False}
        encoded = self.tokenizer(list(texts), truncation=True, max_length=max_length, **options)
        ids: list[list[int]] = encoded["input_ids"]
        check_ids(ids, self.tokenizer, self.num_embeddings)
        self._report_long_texts(max(map(len, ids), default=0))
        has_pairs = not all(isinstance(text, str) for text in texts)
        self.reads_pairs = self.reads_pairs or has_pairs
        if has_pairs and self.segment_separator is not None:
            check_segments(ids, encoded["token_type_ids"], self.segment_separator, self.special_types)
        special = self.tokenizer.num_special_tokens_to_add(pair=has_pairs)
        cut = count_cut_tokens(self.tokenizer, texts, encoded, max_length, options)
        lengths = [len(row) - special + left_out for row, left_out in zip(ids, cut, strict=True)]
        return TokenizedTexts(ids, lengths, cut, self.special_tokens.found_in(texts))

    def _report_long_texts(self, longest: int) -> None:
        """Report once if texts are longer than those of the pre-training, which rotary positions allow."""
        if self._trained_positions is not None and longest > self._trained_positions:
            log(
                f"encoder: texts have up to {longest} tokens; it was pre-trained with at most {self._trained_positions}"
            )
            self._trained_positions = None

    def content(self) -> dict[str, Any]:
        """Return everything that determines the states, besides the weights and the texts."""
        config: Any = self.model.config
        architecture = config.to_dict()
        for name in ("_name_or_path", "transformers_version"):
            architecture.pop(name, None)
        return {
            "architecture": without_decoder(architecture) if self.is_part else architecture,
            "model": f"{type(self.model).__module__}.{type(self.model).__qualname__}",
            "attention": config._attn_implementation,
            "tokenizer": tokenizer_digest(self.tokenizer),
            "pairs": self.reads_pairs,
        }

    def language_model(self) -> LanguageModelHead:
        """Return the language-model head of the checkpoint, or one initialised at random with `untrained`.

        Raises:
            UserError: the checkpoint was not pre-trained as a language model, or has no weights for the head.
        """
        if self.objective is None:
            do = "set it to masked or causal if that is wrong, or choose a head that reads vectors"
            raise user_error("encoder.objective", "null: the checkpoint is not known to have a language-model head", do)
        with quiet_transformers():
            return self._build_head(self.objective, base=self.model)

    def classification_head(self, names: Sequence[str], multi_label: bool) -> ClassificationHead:
        """Return the layers of `AutoModelForSequenceClassification` above the encoder, for classes of these names.

        Weights that the checkpoint lacks, and all of them with `untrained`, are initialised at random.

        Raises:
            UserError: the family has no such class, or its class does more than to apply layers to the states.
        """
        return self._build_classifier(self, names=names, multi_label=multi_label)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        every_layer: bool = False,
        position_ids: Tensor | None = None,
    ) -> Tensor:
        """Return the token states (B, T, D) of input_ids (B, T) under attention_mask (B, T) of 0 and 1.

        every_layer: return the states after every layer, the embeddings first: (L + 1, B, T, D).
        attention_mask may also be (B, 1, T, T) of floats, which are added to the attention scores.
        position_ids (B, T): the position of each token; consecutive by default.
        """
        options = self.token_type_inputs(input_ids, attention_mask)
        options |= {} if position_ids is None else {"position_ids": position_ids}
        every: Any = {"output_hidden_states": True} if every_layer else {}
        output = self.model(input_ids=input_ids, attention_mask=attention_mask, **options, **every)
        states: Tensor = self._stacked(output.hidden_states) if every_layer else output.last_hidden_state
        return states

    def token_type_inputs(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Return the argument of the model for the token types (B, T), if its family reads them in these texts."""
        if not self.special_types and not (self.reads_pairs and self.segment_separator is not None):
            return {}
        separator = self.segment_separator if self.reads_pairs else None
        return {"token_type_ids": token_types(input_ids, attention_mask, separator, self.special_types)}

    def _stacked(self, layers: Sequence[Tensor]) -> Tensor:
        """Return the states of all layers (L + 1, B, T, D).

        Raises:
            UserError: the family returns other layers, or states of different shapes.
        """
        if len(layers) != self.layers + 1 or any(
            states.shape != (*layers[0].shape[:2], self.width) for states in layers
        ):
            shapes = ", ".join(str(tuple(states.shape[1:])) for states in layers)
            what = f"mixes states of one shape, and the layers of {type(self.model).__name__} return {shapes}"
            raise user_error("pooler", what, "choose a pooler that reads the last states, such as pooler=mean")
        return torch.stack(tuple(layers))
