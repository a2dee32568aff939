"""The tokenizer of an exported folder, which gives the tokens of the run: truncation, padding, special tokens."""

from __future__ import annotations

import copy
from typing import Any

from frostline.models.trained import TrainedModel


def exported_tokenizer(trained: TrainedModel) -> Any:
    """Return a copy of the encoder's tokenizer with the settings of the run.

    It truncates to `dataset.max_length` with truncation=True, pads on the right, has a padding token of which the
    encoder has an embedding, and reads special tokens in a text, such as [SEP], as ordinary characters.
    """
    encoder: Any = trained.model.encoder
    tokenizer = copy.deepcopy(encoder.tokenizer)
    if (backend := getattr(tokenizer, "backend_tokenizer", None)) is not None:
        backend.no_truncation()
        backend.no_padding()
    tokenizer.model_max_length = trained.max_length
    side = getattr(trained.model.head, "padding_side", "right")  # that of a family's class for classification
    settings = {"padding_side": side, "truncation_side": tokenizer.truncation_side, "split_special_tokens": True}
    for name, value in settings.items():
        setattr(tokenizer, name, value)
        tokenizer.init_kwargs[name] = value  # which save_pretrained reads
    if not reads_token_types(encoder):
        names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
        tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = names
    for name in ("is_local", "local_files_only"):  # of the download
        tokenizer.init_kwargs.pop(name, None)
    if tokenizer.pad_token_id != encoder.pad_id:
        tokenizer.pad_token = _padding_token(tokenizer, encoder)
    return tokenizer


def reads_token_types(encoder: Any) -> bool:
    """Return whether the encoder is given the token types of texts, such as those of the second text of a pair."""
    return bool(encoder.special_types) or encoder.segment_separator is not None


def _padding_token(tokenizer: Any, encoder: Any) -> str:
    """Return a special token of which the encoder has an embedding; which one does not matter, as it is masked."""
    limit = encoder.num_embeddings
    special = [token for token in tokenizer.all_special_ids if limit is None or token < limit]
    token: str = tokenizer.convert_ids_to_tokens(special[0] if special else encoder.pad_id)
    return token
