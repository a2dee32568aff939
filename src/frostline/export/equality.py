"""Comparison of an exported model with the trained one, before its folder gets its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from frostline.errors import UserError, user_error
from frostline.models.trained import TrainedModel

TOLERANCE = 1e-5
TEXTS = (
    "A film that is better than its first ten minutes.",
    "no",
    "  two  spaces ",
    "Nothing here works; the plot, the light and the sound are poor, and nobody seems to have read the script before.",
    "",
    "😀 naïve café — 東京 \u200d\u00a0\t end",
    "a [SEP] b </s> c [MASK] d <s> e <|endoftext|> f [CLS]",
    "W" * 300 + " " + "over and over again " * 400,
    '1,234.5 % of @users #said: "it\'s" (ok)?!',
)


def tokenized(trained: TrainedModel) -> tuple[list[str], list[list[int]]]:
    """Return those of TEXTS that the model reads, with at least one token, and their token ids."""
    encoder: Any = trained.model.encoder
    texts, rows = list[str](), list[list[int]]()
    for text in TEXTS:
        try:
            [ids] = encoder.tokenize([text], trained.max_length)
        except UserError:  # the encoder has no embedding of one of its tokens
            continue
        if ids:
            texts.append(text)
            rows.append(ids)
    return texts, rows


def padded(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Return input_ids and attention_mask (B, T) of token ids, padded on the right."""
    ids = [torch.tensor(row) for row in rows]
    pad = torch.nn.utils.rnn.pad_sequence
    return pad(ids, batch_first=True, padding_value=pad_id), pad([torch.ones_like(i) for i in ids], batch_first=True)


def check_tokenizer(trained: TrainedModel, tokenizer: Any) -> None:
    """Check that a tokenizer gives the tokens of the run, for each text and for batches.

    Raises:
        UserError: it gives others.
    """
    texts, rows = tokenized(trained)
    batch = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")
    for index, (text, row) in enumerate(zip(texts, rows, strict=True)):
        unpadded = batch["input_ids"][index][batch["attention_mask"][index] != 0].tolist()
        if tokenizer(text, truncation=True)["input_ids"] != row or unpadded != row:
            raise _differs("the tokens of a text", f"{text[:40]!r}")


@torch.no_grad()
def check_outputs(
    trained: TrainedModel,
    actual: Callable[[list[str]], Tensor],
    outputs: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> None:
    """Check that the logits of a batch of texts, and of its first text alone, are those of the trained model.

    actual: returns the logits (N, C) that the exported model gives for texts. outputs: returns what to compare instead
    of logits, given input_ids and attention_mask (B, T).

    Raises:
        UserError: they differ by more than TOLERANCE, relative to the largest of them if that is above 1.
    """
    encoder: Any = trained.model.encoder
    texts, rows = tokenized(trained)
    for count in (len(texts), 1):
        inputs = padded(rows[:count], encoder.pad_id)
        expected = trained_logits(trained, *inputs) if outputs is None else outputs(*inputs)
        found = actual(texts[:count])
        scale = max(1.0, float(expected.abs().max()))
        distance = float((expected - found).abs().max()) if expected.shape == found.shape else float("inf")
        if not distance <= TOLERANCE * scale:
            raise _differs("the outputs", f"by {distance:.1g}")


def trained_logits(trained: TrainedModel, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the logits (B, C) of the trained model, given input_ids and attention_mask (B, T)."""
    batch: Any = {"input_ids": input_ids, "attention_mask": attention_mask}
    logits: Tensor = trained.model(batch)
    return logits


def _differs(what: str, detail: str) -> UserError:
    do = "choose another --format, or report this family of encoders as a bug"
    return user_error("encoder", f"{what} would differ in the exported folder ({detail}), so it is not written", do)
