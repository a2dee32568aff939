"""What heads that read a language model's words share: its tail, texts cut to fit a template, and its surprise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from frostline.data.corpus import Text
from frostline.errors import user_error
from frostline.models.prompting.template import Template

MASKED_SHARE = 0.15  # as in BERT's own training (arXiv:1810.04805)
ROWS = 512  # so many positions have their chances of all words at a time


def tail_of(encoder: Any, objective: str) -> nn.Module:
    """The encoder's language-model tail.

    Raises:
        UserError: the encoder was pre-trained for something else.
    """
    found = getattr(encoder, "objective", None)
    if found is not None and found != objective:
        what = f"reads a {objective} language model, and the encoder is a {found} one"
        raise user_error("head", what, f"choose head={'likelihood' if found == 'causal' else 'verbalizer'}")
    if not hasattr(encoder, "language_model"):
        do = "choose one of encoders that have one, such as bert_tiny, or a head that reads vectors"
        raise user_error("encoder", f"{type(encoder).__name__} has no language model", do)
    tail: nn.Module = encoder.language_model()
    return tail


class Reading:
    """Texts -> token ids in a template, which is never cut: the text is. beyond: how many tokens follow a text's."""

    def __init__(self, encoder: Any, template: Template, beyond: int = 0) -> None:
        self.template, self.beyond = template, beyond
        self.encoder, self.tokenizer = encoder, encoder.tokenizer
        self.mask: str = getattr(self.tokenizer, "mask_token", None) or ""
        self.filler: int = encoder.pad_id
        self.shown = 0

    def show(self, texts: Sequence[Text], words: Sequence[str]) -> None:
        """From here on these stand before each text, in the template too, each with its words behind it."""
        pairs = zip(self._single(texts), words, strict=True)
        told = [f"{self.template.filled(text, self.mask)} {word}\n\n" for text, word in pairs]
        self.template = replace(self.template, before="".join([*told, self.template.before]))
        self.shown += len(told)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Of texts as they are, in the template."""
        filled = [self.template.filled(text, self.mask) for text in texts]
        found: list[list[int]] = self.tokenizer(filled, return_attention_mask=False, verbose=False)["input_ids"]
        return [self._open(row) or [self.filler] for row in found]

    def _open(self, row: list[int]) -> list[int]:
        """Without a sign of the end, where the model is to go on."""
        ended = self.template.open and row and row[-1] == self.tokenizer.eos_token_id
        return row[:-1] if ended else row

    def __call__(self, texts: Sequence[Text], max_length: int) -> list[list[int]]:
        """At most `max_length` tokens of each.

        Raises:
            UserError: the template alone is longer, or the texts are pairs.
        """
        self._check(max_length)
        whole = [self._shortened(text, max_length) for text in self._single(texts)]
        return [
            ids if len(ids) <= max_length else self._cut(text, len(ids), max_length)
            for text, ids in zip(whole, self.ids(whole), strict=True)
        ]

    def _single(self, texts: Sequence[Text]) -> list[str]:
        if not all(isinstance(text, str) for text in texts):
            raise user_error(
                "head", "its template has place for one text, and the data has pairs", "choose another head"
            )
        return [str(text) for text in texts]

    def _check(self, max_length: int) -> None:
        alone = len(self.ids([""])[0])
        if alone >= max_length:
            what = f"{max_length} tokens, but the template alone takes {alone}"
            what += f", with {self.shown} examples" if self.shown else ""
            do = f"set it to {alone + 1} or more, or shorten head.template"
            raise user_error("dataset.max_length", what, do)
        longest = self.encoder.longest  # an adapter may take some of it
        if longest is not None and max_length + self.beyond > longest:
            what = f"{max_length} tokens, but the encoder reads at most {longest}"
            what += f", {self.beyond} of them for the classes' words" if self.beyond else ""
            raise user_error("dataset.max_length", what, f"set it to {longest - self.beyond} or less")

    def _ends(self, text: str) -> list[int]:
        """Where each of the text's tokens ends, in characters."""
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [end for _, end in found["offset_mapping"]]

    def _shortened(self, text: str, tokens: int) -> str:
        """At most so many tokens of it."""
        if len(text) <= tokens:
            return text
        ends = self._ends(text)
        return text if len(ends) <= tokens else text[: ends[tokens - 1]]

    def _cut(self, text: str, length: int, max_length: int) -> list[int]:
        """As much of its beginning as there is place for: tokens at the cut may be others than within the text."""
        ends = self._ends(text)
        kept = len(ends)
        while length > max_length and kept > 0:
            kept = max(0, kept - (length - max_length))
            [ids] = self.ids([text[: ends[kept - 1]] if kept else ""])
            length = len(ids)
        return ids


def surprise(logits: Callable[[Tensor], Tensor], states: Tensor, targets: Tensor) -> Tensor:
    """Of each position: -log of the chance of its target. states (R, D), targets (R,) -> (R,) nats."""
    parts = zip(torch.split(states, ROWS), torch.split(targets, ROWS), strict=True)
    found = [nn.functional.cross_entropy(logits(s[None])[0].float(), t, reduction="none") for s, t in parts]
    return torch.cat(found) if found else states.new_zeros(0)


def per_text(values: Tensor, where: Tensor) -> Tensor:
    """Each text's sum of values and their number: values (R,) of the positions where (B, T) is true -> (B, 2)."""
    spread = values.new_zeros(where.shape).masked_scatter(where, values)
    return torch.stack([spread.sum(dim=1), where.sum(dim=1).to(values.dtype)], dim=1)
