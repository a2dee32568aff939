from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from frostline.conversions.cache import converted
from frostline.errors import UserError, wrong
from frostline.objectives import told
from frostline.packages import Pin, folder
from frostline.stacks import draw_top
from frostline.tails import Tail, tail
from frostline.types import Text, Whole

SECONDS_FOR_HUB = 2.5  # its client may spend 3 more on a question of its own


class Pretrained(nn.Module):
    """Any AutoModel with its tokenizer: a hub id, a local folder, or a folder inside a pinned package.

    Weights are read as float32, whatever they are stored as. The model's own pooling layer is left out: a pooler
    of ours follows. `untrained` keeps the architecture and draws the weights anew, `reinit_top` does so with that many
    of the top layers (arXiv:2006.05987), whose fingerprint is then that of the files and the draw. `objective`: what
    the model was pre-trained to do, as far as the checkpoint has the head for it still; where null, config.json tells.
    `checkpointing`: while training, states inside the layers that learn are computed again on the way back, not kept.

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
        checkpointing: bool = False,
        weights: bool = True,
    ) -> None:
        super().__init__()
        described = None if weights else (pin or {}).get("architecture")
        place = name if described else locate(name, pin)
        with _quiet(), _told(name):
            here = bool(described) or Path(place).is_dir() or not _hub_answers(place, revision)
            source = {"revision": revision, "local_files_only": here}
            config = AutoConfig.for_model(**described) if described else AutoConfig.from_pretrained(place, **source)
            self.model: nn.Module = _load(place, config, source, untrained, weights)
            self.tokenizer = _tokenizer(place, source) if weights else None
            if checkpointing:
                _recompute(self.model)
        draw_top(self.model, reinit_top)
        self.objective = objective or (told(config.architectures) if pin is None else None)
        self._tail = partial(tail, config=config, place=None if untrained else place, source=source, meta=not weights)
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
            raise wrong("dataset.max_length", what, f"set it to {self.longest} or less")
        assert self.tokenizer is not None
        encoded = self.tokenizer(list(texts), truncation=True, max_length=max_length, return_attention_mask=False)
        ids: list[list[int]] = encoded["input_ids"]
        self.reads_pairs = self.reads_pairs or not all(isinstance(text, str) for text in texts)
        return ids

    def language_model(self) -> Tail:
        """What the model has above its states to tell words by, as its checkpoint has it; with `untrained` drawn anew.

        Raises:
            UserError: the checkpoint was not pre-trained to tell words, or has lost the head for it.
        """
        if self.objective is None:
            do = "set it to masked or causal if that is wrong, or choose a head that reads vectors"
            raise wrong("encoder.objective", "null: the checkpoint is not known to have a language-model head", do)
        with _quiet():
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


def locate(name: str, pin: dict[str, Any] | None) -> str:
    """Where the files are: a local folder, or a hub id as it is."""
    if pin is not None:
        source = folder(Pin.of(pin), pin["folder"], leave_out=("heads.pt",))
        return str(converted(source, pin["convert"], pin["architecture"]) if pin.get("convert") else source)
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser())
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise wrong(
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


def _load(place: str, config: Any, source: dict[str, Any], untrained: bool, weights: bool) -> Any:
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
        raise wrong("encoder.name", what, do)
    if misfits := sorted(info["mismatched_keys"]):
        name, has, wants = misfits[0]
        what = f"{len(misfits)} weights do not fit, the first of them '{name}' is {[*has]} instead of {[*wants]}"
        raise wrong("encoder.name", what, do)
    return model


def _recompute(model: Any) -> None:
    """Not by torch's older way, which gives no gradients above frozen blocks."""
    if not getattr(model, "supports_gradient_checkpointing", False):
        raise wrong("encoder.checkpointing", "this family computes nothing again", "set it to false")
    newer = getattr(model, "activation_checkpointing_enable", None)
    (newer or model.gradient_checkpointing_enable)({"use_reentrant": False})
    model.disable_input_require_grads()  # that older way needs gradients down to the embeddings; this one none


def _tokenizer(place: str, source: dict[str, Any]) -> Any:
    """Without its files transformers gives a tokenizer that knows no word and no warning."""
    tokenizer = AutoTokenizer.from_pretrained(place, **source)
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise wrong("encoder.name", f"'{place}' has no tokenizer", "put tokenizer.json beside the weights")
    return tokenizer


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


def _without_pooling(make: Any, *args: Any, **options: Any) -> Any:
    try:
        return make(*args, add_pooling_layer=False, **options)
    except TypeError:  # families without a pooling layer do not know the word
        return make(*args, **options)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
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
        raise wrong("encoder.name", f"'{name}' cannot be loaded ({reason})", do) from error
