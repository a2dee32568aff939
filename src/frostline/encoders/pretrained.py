from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from frostline.errors import UserError, wrong
from frostline.packages import Pin, folder


class Pretrained(nn.Module):
    """Any AutoModel with its tokenizer: a hub id, a local folder, or a folder inside a pinned package.

    Weights are read as float32, whatever they are stored as. The model's own pooling layer is left out: a pooler
    of ours follows. `untrained` keeps the architecture and draws the weights anew.

    Raises:
        UserError: no such folder, a hub that cannot be reached, or weights that do not fill the architecture.
    """

    def __init__(
        self,
        name: str,
        revision: str | None = None,
        pin: dict[str, Any] | None = None,
        untrained: bool = False,
        weights: bool = True,
    ) -> None:
        super().__init__()
        place = locate(name, pin)
        with _quiet(), _told(name):
            config = AutoConfig.from_pretrained(place, revision=revision)
            self.model = _load(place, config, revision, untrained, weights)
            self.tokenizer = AutoTokenizer.from_pretrained(place, revision=revision) if weights else None
        self.width: int = config.hidden_size
        self.longest: int | None = getattr(config, "max_position_embeddings", None)

    @property
    def pad_id(self) -> int:
        """What fills the end of shorter texts; masked, so any id does where the tokenizer has none."""
        return getattr(self.tokenizer, "pad_token_id", None) or 0

    def tokenize(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut to `max_length` tokens."""
        if self.longest is not None and max_length > self.longest:
            what = f"{max_length} tokens, but the encoder reads at most {self.longest}"
            raise wrong("dataset.max_length", what, f"set it to {self.longest} or less")
        assert self.tokenizer is not None
        encoded = self.tokenizer(list(texts), truncation=True, max_length=max_length, return_attention_mask=False)
        ids: list[list[int]] = encoded["input_ids"]
        return ids

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """input_ids (B, T), attention_mask (B, T) of 0 and 1 -> token states (B, T, D)."""
        states: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states


def locate(name: str, pin: dict[str, Any] | None) -> str:
    """Where the files are: a local folder, or a hub id as it is."""
    if pin is not None:
        source = {key: value for key, value in pin.items() if key != "folder"}
        return str(folder(Pin(**source), pin["folder"], leave_out=("heads.pt",)))
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser())
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise wrong("encoder.name", f"'{name}' is no folder", "give an existing folder, or a hub id such as owner/model")
    return name


def _load(place: str, config: Any, revision: str | None, untrained: bool, weights: bool) -> nn.Module:
    if not weights:
        with torch.device("meta"):
            return _without_pooling(AutoModel.from_config, config)
    if untrained:
        return _without_pooling(AutoModel.from_config, config, dtype=torch.float32)
    options = {"config": config, "revision": revision, "dtype": torch.float32, "output_loading_info": True}
    model, info = _without_pooling(AutoModel.from_pretrained, place, **options)
    missing = sorted(info["missing_keys"])
    if missing:
        what = f"the weights lack {len(missing)} parameters, the first of them '{missing[0]}'"
        raise wrong("encoder.name", what, "name a checkpoint of this architecture, or set encoder.untrained=true")
    return model


def _without_pooling(make: Any, *args: Any, **options: Any) -> Any:
    try:
        return make(*args, add_pooling_layer=False, **options)
    except TypeError:  # families without a pooling layer do not know the word
        return make(*args, **options)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """transformers reports every head that a checkpoint has beyond the encoder, with a bar; we want neither."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        do = "give a folder with config.json, weights and tokenizer, or a hub id that can be reached"
        raise wrong("encoder.name", f"'{name}' cannot be loaded ({reason})", do) from error
