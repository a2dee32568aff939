from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from frostline.data.corpus import Text
from frostline.errors import user_error
from frostline.models.encoders.language_model_head import LanguageModelHead, tail
from frostline.models.encoders.loading import load, quiet
from frostline.models.encoders.objectives import told
from frostline.models.layers import draw_top
from frostline.types import Whole


class Pretrained(nn.Module):
    """Any AutoModel with its tokenizer: a hub id, a local folder, or a folder inside a pinned package.

    Weights are read as float32, whatever they are stored as. The model's own pooling layer is left out: a pooler
    of ours follows. `untrained` keeps the architecture and draws the weights anew, `reinit_top` does so with that many
    of the top layers (arXiv:2006.05987), whose fingerprint is then that of the files and the draw. `objective`: what
    the model was pre-trained to do, as far as the checkpoint has the head for it still; where null, config.json tells.
    `gradient_checkpointing`: recompute the activations inside trained layers in the backward pass, for less memory.

    Raises:
        UserError: no such folder, a hub that cannot be reached, or weights that do not fill the architecture.
    """

    def __init__(
        self,
        name: str,
        revision: str | None = None,
        pin: dict[str, Any] | None = None,
        untrained: bool = False,
        reinit_top: Whole = 0,
        objective: Literal["masked", "causal"] | None = None,
        gradient_checkpointing: bool = False,
        weights: bool = True,
    ) -> None:
        super().__init__()
        loaded = load(name, revision, pin, untrained, weights)
        config, place = loaded.config, None if untrained else loaded.place
        self.model: nn.Module = loaded.model
        self.tokenizer = loaded.tokenizer
        if gradient_checkpointing:
            _recompute(self.model)
        draw_top(self.model, reinit_top)
        self.objective = objective or (told(config.architectures) if pin is None else None)
        self._tail = partial(tail, config=config, place=place, source=loaded.source, meta=not weights)
        self.width: int = config.hidden_size
        self.layers: int = config.num_hidden_layers
        self.longest = _longest(config, self.model)
        self.virtual = 0  # tokens of an adapter's own, which take places before each text
        self.second = _second_segment(config, self.tokenizer)
        self.reads_pairs = False
        self.places_tokens = "position_ids" in inspect.signature(self.model.forward).parameters

    @property
    def pad_id(self) -> int:
        """What fills the end of shorter texts; masked, so any id does where the tokenizer has none."""
        return getattr(self.tokenizer, "pad_token_id", None) or 0

    def tokenize(self, texts: Sequence[Text], max_length: int) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut to `max_length` tokens; of a pair the longer text."""
        if self.longest is not None and max_length > self.longest:
            beside = f" beside the {self.virtual} of the adapter" if self.virtual else ""
            what = f"{max_length} tokens, but the encoder reads at most {self.longest}{beside}"
            raise user_error("dataset.max_length", what, f"set it to {self.longest} or less")
        assert self.tokenizer is not None
        encoded = self.tokenizer(list(texts), truncation=True, max_length=max_length, return_attention_mask=False)
        ids: list[list[int]] = encoded["input_ids"]
        self.reads_pairs = self.reads_pairs or not all(isinstance(text, str) for text in texts)
        return ids

    def content(self) -> dict[str, Any]:
        """All that its states follow from, beside its weights and the texts."""
        config: Any = self.model.config
        architecture = config.to_dict()
        for name in ("_name_or_path", "transformers_version"):
            architecture.pop(name, None)
        words = getattr(self.tokenizer, "backend_tokenizer", None)
        if words is None:  # one in Python alone
            told = repr([self.tokenizer, sorted(getattr(self.tokenizer, "get_vocab", dict)().items())])
        else:
            words.no_truncation()  # what the last call set; the next one sets it anew
            told = words.to_str()
        return {
            "architecture": architecture,
            "model": f"{type(self.model).__module__}.{type(self.model).__qualname__}",
            "attention": config._attn_implementation,
            "tokenizer": hashlib.sha256(told.encode()).hexdigest(),
            "pairs": self.reads_pairs,
        }

    def language_model(self) -> LanguageModelHead:
        """What the model has above its states to tell words by, as its checkpoint has it; with `untrained` drawn anew.

        Raises:
            UserError: the checkpoint was not pre-trained to tell words, or has lost the head for it.
        """
        if self.objective is None:
            do = "set it to masked or causal if that is wrong, or choose a head that reads vectors"
            raise user_error("encoder.objective", "null: the checkpoint is not known to have a language-model head", do)
        with quiet():
            return self._tail(self.objective, base=self.model)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        every_layer: bool = False,
        position_ids: Tensor | None = None,
    ) -> Tensor:
        """input_ids (B, T), attention_mask (B, T) of 0 and 1 -> token states (B, T, D).

        every_layer: those after every layer, the embeddings' first: (L + 1, B, T, D).
        attention_mask may say of each pair of tokens what is added to its score: (B, 1, T, T) of floats.
        position_ids (B, T): where each token stands, if not one after the other.
        """
        more: dict[str, Any] = {}
        if self.reads_pairs and self.second is not None:
            more["token_type_ids"] = _segments(input_ids, attention_mask, self.second)
        more |= {"output_hidden_states": True} if every_layer else {}
        more |= {} if position_ids is None else {"position_ids": position_ids}
        found = self.model(input_ids=input_ids, attention_mask=attention_mask, **more)
        states: Tensor = torch.stack(found.hidden_states) if every_layer else found.last_hidden_state
        return states


def _recompute(model: Any) -> None:
    """Not by torch's older way, which gives no gradients above frozen blocks."""
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise user_error("encoder.gradient_checkpointing", "this family computes nothing again", "set it to false")
    newer = getattr(model, "activation_checkpointing_enable", None)
    (newer or model.gradient_checkpointing_enable)({"use_reentrant": False})
    model.disable_input_require_grads()  # that older way needs gradients down to the embeddings; this one none


def _segments(input_ids: Tensor, attention_mask: Tensor, separator: int) -> Tensor:
    """(B, T): 0 through the first separator, 1 for the second text of a pair."""
    ends = torch.eq(input_ids, separator).long()
    return (ends.cumsum(dim=1) - ends).clamp(max=1) * attention_mask


def _second_segment(config: Any, tokenizer: Any) -> int | None:
    """The separator that begins a second segment, where the family (as BERT) was trained to tell two apart."""
    told = getattr(config, "type_vocab_size", 0) > 1 and "token_type_ids" in getattr(tokenizer, "model_input_names", ())
    return tokenizer.sep_token_id if told else None


def _longest(config: Any, model: nn.Module) -> int | None:
    """How many tokens have a position. RoBERTa and its kin keep the places up to the padding's for padding."""
    limit: int | None = getattr(config, "max_position_embeddings", None)
    tables = [m for name, m in model.named_modules() if "position" in name and isinstance(m, nn.Embedding)]
    kept = max((table.padding_idx + 1 for table in tables if table.padding_idx is not None), default=0)
    return None if limit is None else limit - kept
