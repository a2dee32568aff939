"""Prompts of heads that use a language model: truncation of texts to fit a template, and the likelihood of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from frostline.data.corpus import Text
from frostline.data.token_counts import TokenizedTexts
from frostline.errors import user_error
from frostline.models.encoders.tokenizer import SpecialTokens, check_ids
from frostline.models.prompting.template import PromptTemplate

MASKED_FRACTION = 0.15  # as in the pre-training of BERT (arXiv:1810.04805)
CHUNK_POSITIONS = 512  # logits over the vocabulary are computed for so many positions at a time


def language_model_head_of(encoder: Any, objective: str) -> nn.Module:
    """Return the language-model head of the encoder.

    Raises:
        UserError: the encoder was pre-trained with another objective, or has no language-model head.
    """
    actual = getattr(encoder, "objective", None)
    if actual is not None and actual != objective:
        what = f"reads a {objective} language model, and the encoder is a {actual} one"
        raise user_error("head", what, f"choose head={'likelihood' if actual == 'causal' else 'verbalizer'}")
    if not hasattr(encoder, "language_model"):
        do = "choose one of encoders that have one, such as bert_tiny, or a head that reads vectors"
        raise user_error("encoder", f"{type(encoder).__name__} has no language model", do)
    head: nn.Module = encoder.language_model()
    return head


class PromptTokenizer:
    """Tokenizes texts in a template; a long text is truncated, the template never.

    reserved: the number of positions after the prompt that are needed for verbalizer words.
    """

    def __init__(self, encoder: Any, template: PromptTemplate, reserved: int = 0) -> None:
        self.template, self.reserved = template, reserved
        self.encoder, self.tokenizer = encoder, encoder.tokenizer
        self.mask: str = getattr(self.tokenizer, "mask_token", None) or ""
        self.pad_id: int = encoder.pad_id
        self.num_demonstrations = 0
        self.special_tokens = SpecialTokens(self.tokenizer)

    def prepend_demonstrations(self, texts: Sequence[Text], words: Sequence[str]) -> None:
        """Begin all further prompts with these texts in the template, each followed by its word."""
        pairs = zip(map(self.special_tokens.as_characters, self._require_single(texts)), words, strict=True)
        demonstrations = [f"{self.template.fill(text, self.mask)} {word}\n\n" for text, word in pairs]
        self.template = replace(self.template, before="".join([*demonstrations, self.template.before]))
        self.num_demonstrations += len(demonstrations)

    def prompt_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of the prompts of texts, which are not truncated."""
        if not texts:
            return []
        prompts = [self.template.fill(text, self.mask) for text in texts]
        ids: list[list[int]] = self.tokenizer(prompts, return_attention_mask=False, verbose=False)["input_ids"]
        check_ids(ids, self.tokenizer, getattr(self.encoder, "num_embeddings", None))
        return [self._without_end_token(row) or [self.pad_id] for row in ids]

    def _without_end_token(self, row: list[int]) -> list[int]:
        """Remove the end-of-sequence token of a prompt that the model continues."""
        has_end = self.template.is_open_ended and row and row[-1] == self.tokenizer.eos_token_id
        return row[:-1] if has_end else row

    def __call__(self, texts: Sequence[Text], max_length: int) -> TokenizedTexts:
        """Return the token ids of the prompt of each text, at most `max_length` of them, and how much is left out.

        A special token in a text, such as [MASK], is read as ordinary characters.

        Raises:
            UserError: the template alone is longer, or the texts are pairs.
        """
        template_length = self._check_length(max_length)
        single = self._require_single(texts)
        special = self.special_tokens.found_in(single)
        plain = list(map(self.special_tokens.as_characters, single))
        shortened = [self._truncate_text(text, max_length) for text in plain]
        prompts = self.prompt_ids(shortened)
        ids = [
            row if len(row) <= max_length else self._truncate_prompt(text, len(row), max_length)
            for text, row in zip(shortened, prompts, strict=True)
        ]
        full = [len(row) for row in prompts]
        longer = [index for index, text in enumerate(shortened) if text != plain[index]]
        for index, row in zip(longer, self.prompt_ids([plain[index] for index in longer]), strict=True):
            full[index] = len(row)
        cut = [length - len(row) for length, row in zip(full, ids, strict=True)]
        return TokenizedTexts(ids, [max(0, length - template_length) for length in full], cut, special)

    def _require_single(self, texts: Sequence[Text]) -> list[str]:
        if not all(isinstance(text, str) for text in texts):
            raise user_error("head", "its template has one text, and the data has pairs", "choose another head")
        return [str(text) for text in texts]

    def _check_length(self, max_length: int) -> int:
        """Return the number of tokens of the template without a text."""
        template_length = len(self.prompt_ids([""])[0])
        if template_length >= max_length:
            what = f"{max_length} tokens, but the template alone takes {template_length}"
            what += f", with {self.num_demonstrations} examples" if self.num_demonstrations else ""
            do = f"set it to {template_length + 1} or more, or shorten head.template"
            raise user_error("dataset.max_length", what, do)
        limit = self.encoder.max_positions  # less the positions of an adapter
        if limit is not None and max_length + self.reserved > limit:
            what = f"{max_length} tokens, but the encoder reads at most {limit}"
            what += f", {self.reserved} of them for the classes' words" if self.reserved else ""
            raise user_error("dataset.max_length", what, f"set it to {limit - self.reserved} or less")
        return template_length

    def _token_ends(self, text: str) -> list[int]:
        """Return the end of each token of the text, in characters."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [end for _, end in encoded["offset_mapping"]]

    def _truncate_text(self, text: str, max_tokens: int) -> str:
        """Return the beginning of the text, at most `max_tokens` tokens long."""
        if len(text) <= max_tokens:
            return text
        ends = self._token_ends(text)
        return text if len(ends) <= max_tokens else text[: ends[max_tokens - 1]]

    def _truncate_prompt(self, text: str, length: int, max_length: int) -> list[int]:
        """Return the prompt with as much of the text as fits.

        A loop is necessary, because the tokens at the cut can differ from those within the text.
        """
        ends = self._token_ends(text)
        remaining = len(ends)
        while length > max_length and remaining > 0:
            remaining = max(0, remaining - (length - max_length))
            [ids] = self.prompt_ids([text[: ends[remaining - 1]] if remaining else ""])
            length = len(ids)
        return ids


def token_nll(logits: Callable[[Tensor], Tensor], states: Tensor, targets: Tensor) -> Tensor:
    """Return the negative log-likelihood (R,) in nats of `targets` (R,), given states (R, D) and a head for logits."""
    chunks = zip(torch.split(states, CHUNK_POSITIONS), torch.split(targets, CHUNK_POSITIONS), strict=True)
    losses = [nn.functional.cross_entropy(logits(s[None])[0].float(), t, reduction="none") for s, t in chunks]
    return torch.cat(losses) if losses else states.new_zeros(0)


def sum_per_text(values: Tensor, mask: Tensor) -> Tensor:
    """Return the sum and the number of the values of each text (B, 2).

    values (R,): for the R entries of `mask` (B, T) that are set.
    """
    padded = values.new_zeros(mask.shape).masked_scatter(mask, values)
    return torch.stack([padded.sum(dim=1), mask.sum(dim=1).to(values.dtype)], dim=1)
