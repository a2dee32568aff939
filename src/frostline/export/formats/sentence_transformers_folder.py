"""A folder that SentenceTransformer loads: encoder and pooler as modules, and on request the head."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.errors import Problem, one_line, user_error
from frostline.export.equality import check_outputs
from frostline.export.merge import merge_problems, merged_encoder
from frostline.export.parts import encoder_problems
from frostline.export.tokenizer import exported_tokenizer
from frostline.models.encoders.auto_model import quiet_transformers
from frostline.models.heads.cosine import Cosine
from frostline.models.heads.label_similarity import LabelSimilarity
from frostline.models.heads.linear import Linear
from frostline.models.heads.logistic import Logistic
from frostline.models.heads.mlp import Mlp
from frostline.models.interfaces import PromptHead, StatesHead
from frostline.models.poolers.cls import Cls
from frostline.models.poolers.last import Last
from frostline.models.poolers.max import Max
from frostline.models.poolers.mean import Mean
from frostline.models.poolers.weighted_last import WeightedLast
from frostline.models.trained import TrainedModel

MODES: dict[type[nn.Module], str] = {
    Cls: "cls",
    Last: "lasttoken",
    Max: "max",
    Mean: "mean",
    WeightedLast: "weightedmean",
}
LINEAR = (Cosine, LabelSimilarity, Linear, Logistic, Mlp)


def problems(trained: TrainedModel, with_head: bool = False) -> Iterator[Problem]:
    """Yield why the model cannot be such a folder."""
    if importlib.util.find_spec("sentence_transformers") is None:
        yield Problem("sentence-transformers", "is not installed", "pip install 'frostline[export]'")
    yield from encoder_problems(trained)
    yield from merge_problems(trained)
    pooler, head = trained.model.pooler, trained.model.head
    if isinstance(head, PromptHead | StatesHead):
        what = f"{type(head).__name__} reads no pooled vector of a text, so that none was trained"
        yield Problem("head", what, "export a run with another head")
    elif type(pooler) not in MODES:
        what = f"{type(pooler).__name__} is no pooling mode of sentence-transformers"
        yield Problem("pooler", what, "export a run with pooler=cls, last, max, mean or weighted_last")
    if with_head and not isinstance(head, LINEAR):
        what = f"{type(head).__name__} does not consist of linear layers, so it cannot be Dense modules"
        yield Problem("--with-head", what, "leave it out, or choose --format transformers")


def write(trained: TrainedModel, folder: Path, with_head: bool = False) -> str:
    """Write the modules into the folder; return what it is.

    Raises:
        UserError: sentence-transformers cannot load the encoder, or the loaded folder has other vectors, or with the
            head other logits, than the trained model.
    """
    from sentence_transformers import SentenceTransformer

    try:
        with quiet_transformers(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # of a pooling layer that AutoModel may add, which is not used
            model = SentenceTransformer(modules=_modules(trained, folder, with_head), device="cpu")
            model.save(str(folder), create_model_card=False)
            loaded = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except ValueError as error:  # AutoModel has no class for one half of some encoder-decoders
        what = f"cannot be loaded by sentence-transformers ({one_line(error)[:150]})"
        raise user_error("encoder", what, "use --format transformers or onnx") from error

    def encode(texts: list[str]) -> Tensor:
        found: Any = loaded.encode(texts, convert_to_tensor=True, show_progress_bar=False)
        result: Tensor = found
        return result

    check_outputs(trained, encode, None if with_head else trained.model.vectors)
    content = "logits" if with_head else "vectors"
    return f"a folder of sentence-transformers, whose encode returns the {content} of texts"


def _modules(trained: TrainedModel, folder: Path, with_head: bool) -> list[Any]:
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    base = folder / ".encoder"
    merged_encoder(trained).save_pretrained(base)
    exported_tokenizer(trained).save_pretrained(base)
    encoder = Transformer(str(base), max_seq_length=trained.max_length, model_kwargs={"local_files_only": True})
    shutil.rmtree(base)
    width: Any = trained.model.encoder.width
    pooling = Pooling(width, MODES[type(trained.model.pooler)])
    return [encoder, pooling, *(_head_modules(trained.model.head) if with_head else [])]


def _head_modules(head: nn.Module) -> list[nn.Module]:
    """Return modules that are equal to the head."""
    from sentence_transformers.sentence_transformer.modules import Normalize

    if isinstance(head, Linear):
        return [_dense(head.out.weight, head.out.bias)]
    if isinstance(head, Logistic):
        return [_dense(head.weight, head.bias)]
    if isinstance(head, Mlp):
        return [
            _dense(head.hidden.weight, head.hidden.bias, nn.GELU()),
            _dense(head.out.weight, head.out.bias),
        ]
    assert isinstance(head, Cosine | LabelSimilarity)
    scale = head.scale if isinstance(head, Cosine) else 1 / head.temperature
    return [Normalize(), _dense(scale * functional.normalize(head.weight, dim=1), None)]


def _dense(weight: Tensor, bias: Tensor | None, activation: nn.Module | None = None) -> nn.Module:
    from sentence_transformers.sentence_transformer.modules import Dense

    classes, width = weight.shape
    module: nn.Module = Dense(
        width,
        classes,
        bias=bias is not None,
        activation_function=activation or nn.Identity(),
        init_weight=weight.detach().clone(),
        init_bias=None if bias is None else bias.detach().clone(),
    )
    return module
