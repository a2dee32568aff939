"""Loading of weights, tokenizer and architecture by transformers' Auto classes, from a hub, a folder or a package."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from frostline.data.downloads.package_cache import Pin, folder
from frostline.errors import UserError, user_error
from frostline.models.encoders.conversions.cache import converted
from frostline.models.encoders.text_encoder import (
    find_text_encoder,
    fixed_tables,
    parameters_within,
    token_embeddings,
    turn_into_buffers,
)
from frostline.results.home_paths import expand_home

HUB_TIMEOUT_SECONDS = 2.5  # the hub's client may add 3 for a request


@dataclass(frozen=True)
class LoadedCheckpoint:
    """The parts of a checkpoint as transformers loads them.

    model: the part that encodes a text. is_part: whether the checkpoint has more than that, such as a decoder.
    tokenizer: None without weights. path: the folder or the hub id. source: further arguments of `from_pretrained`.
    """

    model: Any
    is_part: bool
    tokenizer: Any
    config: Any
    path: str
    source: dict[str, Any]


def load_auto_model(
    name: str, revision: str | None, pin: dict[str, Any] | None, untrained: bool, weights: bool
) -> LoadedCheckpoint:
    """Load the base model without its pooling layer, of an encoder-decoder the encoder; without `weights` on meta.

    A pin with an `architecture` needs no file if `weights` is off.

    Raises:
        UserError: the folder does not exist, the hub cannot be reached, or the weights do not fit the architecture.
    """
    architecture = None if weights else (pin or {}).get("architecture")
    path = name if architecture else locate_checkpoint(name, pin)
    with quiet_transformers(), _user_errors(name):
        is_local = bool(architecture) or Path(path).is_dir() or not _hub_answers(path, revision)
        source = {"revision": revision, "local_files_only": is_local}
        config = AutoConfig.for_model(**architecture) if architecture else AutoConfig.from_pretrained(path, **source)
        model, is_part = _load_weights(path, config, source, untrained, weights)
        tokenizer = _load_tokenizer(path, source, model) if weights else None
        return LoadedCheckpoint(model, is_part, tokenizer, config, path, source)


def locate_checkpoint(name: str, pin: dict[str, Any] | None) -> str:
    """Return the local folder of the files, or the hub id as it is.

    Raises:
        UserError: `name` is a path without a folder.
    """
    if pin is not None:
        source = folder(Pin.of(pin), pin["folder"], leave_out=("heads.pt",))
        return str(converted(source, pin["convert"], pin["architecture"]) if pin.get("convert") else source)
    if (local := expand_home(name, "encoder.name")).is_dir():
        return str(local)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise user_error(
            "encoder.name", f"'{name}' is no folder", "give an existing folder, or a hub id such as owner/model"
        )
    return name


def enable_gradient_checkpointing(model: Any) -> None:
    """Use the non-reentrant implementation: the reentrant one gives no gradients above frozen blocks."""
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise user_error("encoder.gradient_checkpointing", "this family computes nothing again", "set it to false")
    newer = getattr(model, "activation_checkpointing_enable", None)
    (newer or model.gradient_checkpointing_enable)({"use_reentrant": False})
    model.disable_input_require_grads()  # which only the reentrant implementation needs


def _hub_answers(name: str, revision: str | None) -> bool:
    """Send one request with a short timeout; transformers repeats each of its requests six times with pauses."""
    try:
        HfApi().model_info(name, revision=revision, timeout=HUB_TIMEOUT_SECONDS)
    except HfHubHTTPError as error:
        return bool(error.response.status_code < 500)  # an answer, which transformers will report
    except Exception:  # whatever the client raises without an answer, or offline
        return False
    return True


def _load_weights(path: str, config: Any, source: dict[str, Any], untrained: bool, weights: bool) -> tuple[Any, bool]:
    """Return the text encoder, and whether it is only a part of the model."""
    with torch.device("meta"):
        shapes = _without_pooling(AutoModel.from_config, config)
    fixed = fixed_tables(shapes)
    if not weights:
        model = shapes
    elif untrained:
        model = _without_pooling(AutoModel.from_config, config, dtype=torch.float32)
    else:
        model, info = _from_pretrained(path, config, source)
        _check_weights(model, info, fixed)
    turn_into_buffers(model, fixed)
    encoder = find_text_encoder(model)
    return encoder, encoder is not model


def _from_pretrained(path: str, config: Any, source: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    options = {"config": config, "dtype": torch.float32, "output_loading_info": True, "ignore_mismatched_sizes": True}
    loaded: tuple[Any, dict[str, Any]] = _without_pooling(AutoModel.from_pretrained, path, **source, **options)
    return loaded


def _check_weights(model: Any, info: dict[str, Any], fixed: set[str]) -> None:
    """Raise UserError if weights of the text encoder are missing or of another shape.

    fixed: the names of parameters that follow from the code of the family and may be missing.
    """
    encoder = find_text_encoder(model)
    advice = "name a checkpoint of this architecture, or set encoder.untrained=true"
    if missing := parameters_within(model, encoder, set(info["missing_keys"]) - fixed):
        what = f"the weights lack {len(missing)} parameters, the first of them '{missing[0]}'"
        raise user_error("encoder.name", what, advice)
    shapes = {name: shapes for name, *shapes in info["mismatched_keys"]}
    if mismatched := parameters_within(model, encoder, shapes):
        actual, expected = shapes[mismatched[0]]
        what = f"{len(mismatched)} weights do not fit, the first of them '{mismatched[0]}' is {[*actual]} "
        raise user_error("encoder.name", f"{what}instead of {[*expected]}", advice)


def _load_tokenizer(path: str, source: dict[str, Any], model: Any) -> Any:
    """Load the tokenizer; transformers gives an empty one, without a warning, if its files are missing."""
    tokenizer = AutoTokenizer.from_pretrained(path, **source)
    table = token_embeddings(model)
    rows = None if table is None else table.num_embeddings
    has_words = len(tokenizer) > len(tokenizer.all_special_ids)
    if not has_words and not (Path(path) / "tokenizer.json").exists():
        raise user_error("encoder.name", f"'{path}' has no tokenizer", "put tokenizer.json beside the weights")
    if not has_words:
        count = f"{len(tokenizer):,} tokens, all of them special tokens"
        what = f"the tokenizer of '{path}' has {count}, and the model has embeddings of {rows or 0:,} tokens"
        raise user_error("encoder.name", what, "give a folder with the tokenizer with which the model was pre-trained")
    return tokenizer


def _without_pooling(constructor: Any, *args: Any, **options: Any) -> Any:
    try:
        return constructor(*args, add_pooling_layer=False, **options)
    except TypeError:  # families without a pooling layer do not have the argument
        return constructor(*args, **options)


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Suppress progress bars and the report of the weights of heads, which every base model leaves unused."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # untyped by its authors
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped by its authors
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # untyped by its authors


@contextlib.contextmanager
def _user_errors(name: str) -> Iterator[None]:
    """Turn any error of loading into a UserError."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # for broken files each library raises other errors
        reason = " ".join(str(error).split())[:200]
        advice = "give a folder with config.json, weights and tokenizer, or a hub id that can be reached"
        raise user_error("encoder.name", f"'{name}' cannot be loaded ({reason})", advice) from error
