"""Weights, tokenizer and architecture from where they are: a hub, a folder, or a package. Mistakes are told as such."""

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

SECONDS_FOR_HUB = 2.5  # its client may spend 3 more on a question of its own


@dataclass(frozen=True)
class Loaded:
    """What transformers made of a checkpoint. source: where it was told to look, beside `place`.

    tokenizer: None where shapes alone were wanted.
    """

    model: Any
    tokenizer: Any
    config: Any
    place: str
    source: dict[str, Any]


def load(name: str, revision: str | None, pin: dict[str, Any] | None, untrained: bool, weights: bool) -> Loaded:
    """The base model without its pooling layer. Without `weights` shapes alone, of which a pin may tell all.

    Raises:
        UserError: no such folder, a hub that cannot be reached, or weights that do not fill the architecture.
    """
    described = None if weights else (pin or {}).get("architecture")
    place = name if described else locate(name, pin)
    with quiet(), _told(name):
        here = bool(described) or Path(place).is_dir() or not _hub_answers(place, revision)
        source = {"revision": revision, "local_files_only": here}
        config = AutoConfig.for_model(**described) if described else AutoConfig.from_pretrained(place, **source)
        model = _model(place, config, source, untrained, weights)
        return Loaded(model, _tokenizer(place, source) if weights else None, config, place, source)


def locate(name: str, pin: dict[str, Any] | None) -> str:
    """Where the files are: a local folder, or a hub id as it is."""
    if pin is not None:
        source = folder(Pin.of(pin), pin["folder"], leave_out=("heads.pt",))
        return str(converted(source, pin["convert"], pin["architecture"]) if pin.get("convert") else source)
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser())
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise user_error(
            "encoder.name", f"'{name}' is no folder", "give an existing folder, or a hub id such as owner/model"
        )
    return name


def _hub_answers(name: str, revision: str | None) -> bool:
    """One question with a short patience: transformers asks six times for each file, and waits in between."""
    try:
        HfApi().model_info(name, revision=revision, timeout=SECONDS_FOR_HUB)
    except HfHubHTTPError as error:
        return bool(error.response.status_code < 500)  # it does; transformers tells what it says
    except Exception:  # whatever the client raises without an answer, or offline
        return False
    return True


def _model(place: str, config: Any, source: dict[str, Any], untrained: bool, weights: bool) -> Any:
    if not weights:
        with torch.device("meta"):
            return _without_pooling(AutoModel.from_config, config)
    if untrained:
        return _without_pooling(AutoModel.from_config, config, dtype=torch.float32)
    options = {"config": config, "dtype": torch.float32, "output_loading_info": True, "ignore_mismatched_sizes": True}
    model, info = _without_pooling(AutoModel.from_pretrained, place, **source, **options)
    do = "name a checkpoint of this architecture, or set encoder.untrained=true"
    if missing := sorted(info["missing_keys"]):
        what = f"the weights lack {len(missing)} parameters, the first of them '{missing[0]}'"
        raise user_error("encoder.name", what, do)
    if misfits := sorted(info["mismatched_keys"]):
        name, has, wants = misfits[0]
        what = f"{len(misfits)} weights do not fit, the first of them '{name}' is {[*has]} instead of {[*wants]}"
        raise user_error("encoder.name", what, do)
    return model


def _tokenizer(place: str, source: dict[str, Any]) -> Any:
    """Without its files transformers gives a tokenizer that knows no word and no warning."""
    tokenizer = AutoTokenizer.from_pretrained(place, **source)
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise user_error("encoder.name", f"'{place}' has no tokenizer", "put tokenizer.json beside the weights")
    return tokenizer


def _without_pooling(make: Any, *args: Any, **options: Any) -> Any:
    try:
        return make(*args, add_pooling_layer=False, **options)
    except TypeError:  # families without a pooling layer do not know the word
        return make(*args, **options)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """transformers reports every head that a checkpoint has beyond the encoder, with a bar; we want neither."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # untyped by its authors
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped by its authors
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # untyped by its authors


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # broken files of a user's: each library below has errors of its own for them
        reason = " ".join(str(error).split())[:200]
        do = "give a folder with config.json, weights and tokenizer, or a hub id that can be reached"
        raise user_error("encoder.name", f"'{name}' cannot be loaded ({reason})", do) from error
