from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from frostline.data.corpus import Text
from frostline.data.token_counts import TokenizedTexts
from frostline.errors import user_error
from frostline.models.encoders.auto_model import load_auto_model, quiet_transformers
from frostline.models.encoders.language_model_head import LanguageModelHead, build_language_model_head
from frostline.models.encoders.objectives import objective_of_architectures
from frostline.models.encoders.special_tokens import SpecialTokens
from frostline.models.encoders.truncation import check_ids, check_segments, count_cut_tokens
from frostline.models.layers import reinitialise_top_layers
from frostline.types import NonNegativeInt


class Pretrained(nn.Module):
    """An AutoModel of transformers with its tokenizer, from a hub id, a local folder or a folder in a pinned package.

    Weights are converted to float32. The pooling layer of the model is left out, because a pooler of ours follows.

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
        config, path = loaded.config, None if untrained else loaded.path
        self.model: nn.Module = loaded.model
        self.tokenizer = loaded.tokenizer
        if gradient_checkpointing:
            _enable_gradient_checkpointing(self.model)
        reinitialise_top_layers(self.model, reinit_top)
        self.objective = objective or (objective_of_architectures(config.architectures) if pin is None else None)
        self._build_head = partial(
            build_language_model_head, config=config, path=path, source=loaded.source, meta=not weights
        )
        self.width: int = config.hidden_size
        self.layers: int = config.num_hidden_layers
        self.max_positions = _max_positions(config, self.model)
        self.num_virtual_tokens = 0  # of an adapter, which take positions before each text
        self.segment_separator = _segment_separator(config, self.tokenizer)
        self.special_tokens = SpecialTokens(self.tokenizer)
        self.reads_pairs = False
        self.accepts_position_ids = "position_ids" in inspect.signature(self.model.forward).parameters

    @property
    def pad_id(self) -> int:
        """Return the id that pads shorter texts; any id will do if the tokenizer has none, since it is masked.

        The same holds if the padding token was added to the tokenizer and the model has no embedding of it.
        """
        pad_id: int = getattr(self.tokenizer, "pad_token_id", None) or 0
        return pad_id if self.num_embeddings is None or pad_id < self.num_embeddings else 0

    @property
    def num_embeddings(self) -> int | None:
        """The number of tokens of which the model has embeddings; None if it has no table of them."""
        model: Any = self.model
        table = model.get_input_embeddings()
        return table.num_embeddings if isinstance(table, nn.Embedding) else None

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
        has_pairs = not all(isinstance(text, str) for text in texts)
        self.reads_pairs = self.reads_pairs or has_pairs
        if has_pairs and self.segment_separator is not None:
            check_segments(ids, encoded["token_type_ids"], self.segment_separator)
        special = self.tokenizer.num_special_tokens_to_add(pair=has_pairs)
        cut = count_cut_tokens(self.tokenizer, texts, encoded, max_length, options)
        lengths = [len(row) - special + left_out for row, left_out in zip(ids, cut, strict=True)]
        return TokenizedTexts(ids, lengths, cut, self.special_tokens.found_in(texts))

    def content(self) -> dict[str, Any]:
        """Return everything that determines the states, besides the weights and the texts."""
        config: Any = self.model.config
        architecture = config.to_dict()
        for name in ("_name_or_path", "transformers_version"):
            architecture.pop(name, None)
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:  # a tokenizer in Python
            description = repr([self.tokenizer, sorted(getattr(self.tokenizer, "get_vocab", dict)().items())])
        else:
            backend.no_truncation()  # remove the setting of the last call; the next one sets it again
            description = backend.to_str()
        return {
            "architecture": architecture,
            "model": f"{type(self.model).__module__}.{type(self.model).__qualname__}",
            "attention": config._attn_implementation,
            "tokenizer": hashlib.sha256(description.encode()).hexdigest(),
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
        options: dict[str, Any] = {}
        if self.reads_pairs and self.segment_separator is not None:
            options["token_type_ids"] = _segment_ids(input_ids, attention_mask, self.segment_separator)
        options |= {"output_hidden_states": True} if every_layer else {}
        options |= {} if position_ids is None else {"position_ids": position_ids}
        output = self.model(input_ids=input_ids, attention_mask=attention_mask, **options)
        states: Tensor = torch.stack(output.hidden_states) if every_layer else output.last_hidden_state
        return states


def _enable_gradient_checkpointing(model: Any) -> None:
    """Use the non-reentrant implementation: the reentrant one gives no gradients above frozen blocks."""
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise user_error("encoder.gradient_checkpointing", "this family computes nothing again", "set it to false")
    newer = getattr(model, "activation_checkpointing_enable", None)
    (newer or model.gradient_checkpointing_enable)({"use_reentrant": False})
    model.disable_input_require_grads()  # which only the reentrant implementation needs


def _segment_ids(input_ids: Tensor, attention_mask: Tensor, separator: int) -> Tensor:
    """Return segment ids (B, T): 0 up to and including the first separator, 1 for the second text of a pair."""
    ends = torch.eq(input_ids, separator).long()
    return (ends.cumsum(dim=1) - ends).clamp(max=1) * attention_mask


def _segment_separator(config: Any, tokenizer: Any) -> int | None:
    """Return the token before a second segment if the family (as BERT) was trained with two segments, else None."""
    input_names = getattr(tokenizer, "model_input_names", ())
    has_segments = getattr(config, "type_vocab_size", 0) > 1 and "token_type_ids" in input_names
    return tokenizer.sep_token_id if has_segments else None


def _max_positions(config: Any, model: nn.Module) -> int | None:
    """Return how many tokens have a position; RoBERTa reserves the positions up to that of padding."""
    limit: int | None = getattr(config, "max_position_embeddings", None)
    tables = [m for name, m in model.named_modules() if "position" in name and isinstance(m, nn.Embedding)]
    reserved = max((table.padding_idx + 1 for table in tables if table.padding_idx is not None), default=0)
    return None if limit is None else limit - reserved
