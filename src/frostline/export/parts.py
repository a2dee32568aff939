"""The parts of a trained model as classes of a modelling file, with their arguments and weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor, nn
from transformers import PreTrainedModel

from frostline.errors import Problem
from frostline.export.modelling import classifiers, neighbours, poolings
from frostline.models.heads.cosine import Cosine
from frostline.models.heads.knn import Knn
from frostline.models.heads.label_similarity import LabelSimilarity
from frostline.models.heads.linear import Linear
from frostline.models.heads.logistic import Logistic
from frostline.models.heads.mlp import Mlp
from frostline.models.heads.prototype import Prototype
from frostline.models.interfaces import PromptHead
from frostline.models.poolers.attention import Attention
from frostline.models.poolers.cls import Cls
from frostline.models.poolers.last import Last
from frostline.models.poolers.layer_mix import LayerMix
from frostline.models.poolers.max import Max
from frostline.models.poolers.mean import Mean
from frostline.models.poolers.weighted_last import WeightedLast
from frostline.models.trained import TrainedModel

POOLINGS: dict[type[nn.Module], type[nn.Module]] = {
    Attention: poolings.AttentionPooling,
    Cls: poolings.ClsPooling,
    Last: poolings.LastPooling,
    LayerMix: poolings.LayerMixPooling,
    Max: poolings.MaxPooling,
    Mean: poolings.MeanPooling,
    WeightedLast: poolings.WeightedLastPooling,
}
CLASSIFIERS: dict[type[nn.Module], type[nn.Module]] = {
    Cosine: classifiers.CosineClassifier,
    Knn: neighbours.KnnClassifier,
    LabelSimilarity: classifiers.LabelSimilarityClassifier,
    Linear: classifiers.LinearClassifier,
    Logistic: classifiers.LogisticClassifier,
    Mlp: classifiers.MlpClassifier,
    Prototype: classifiers.PrototypeClassifier,
}


class ExportedPart(NamedTuple):
    """A class of a modelling file, the arguments of its constructor, and its weights."""

    kind: type[nn.Module]
    arguments: dict[str, Any]
    weights: dict[str, Tensor]


def exported_pooler(trained: TrainedModel) -> ExportedPart:
    """Return the class of a modelling file that is equal to the pooler."""
    pooler: Any = trained.model.pooler
    arguments: dict[str, Any] = {}
    if isinstance(pooler, Attention):
        arguments = {"width": len(pooler.query)}
    elif isinstance(pooler, LayerMix):
        arguments = {"layers": len(pooler.weights) - 1}
    return ExportedPart(POOLINGS[type(pooler)], arguments, _weights(pooler))


def exported_classifier(trained: TrainedModel) -> ExportedPart:
    """Return the class of a modelling file that is equal to the head."""
    head: Any = trained.model.head
    arguments: dict[str, Any] = {"width": trained.model.encoder.width, "classes": len(trained.classes)}
    if isinstance(head, Linear):
        arguments["dropout"] = head.dropout.p
    elif isinstance(head, Mlp):
        arguments |= {"hidden": head.hidden.out_features, "dropout": head.dropout.p}
    elif isinstance(head, LabelSimilarity):
        arguments["temperature"] = head.temperature
    elif isinstance(head, Prototype):
        arguments |= {"metric": head.metric, "temperature": head.temperature}
    elif isinstance(head, Knn):
        arguments |= {name: getattr(head, name) for name in ("k", "metric", "weights", "smoothing", "multi_label")}
        arguments["texts"] = len(head.vectors)
    return ExportedPart(CLASSIFIERS[type(head)], arguments, _weights(head))


def encoder_problems(trained: TrainedModel) -> Iterator[Problem]:
    """Yield a problem if the encoder is no model of transformers."""
    encoder: Any = trained.model.encoder
    model = getattr(encoder, "model", None)
    if not isinstance(model, PreTrainedModel) or getattr(encoder, "tokenizer", None) is None:
        what = f"{type(encoder).__name__} is no model of transformers with a tokenizer"
        yield Problem("encoder", what, "export a run with encoder=hub, or another encoder that is in conf/encoder")


def prompt_problems(trained: TrainedModel) -> Iterator[Problem]:
    """Yield a problem if the head writes each text into a prompt."""
    head = trained.model.head
    if isinstance(head, PromptHead):
        what = f"{type(head).__name__} reads each text within a prompt, which no tokenizer of another library writes"
        yield Problem("head", what, "use frostline predict, or export a run with another head")


def part_problems(trained: TrainedModel) -> Iterator[Problem]:
    """Yield a problem for a pooler and for a head that no class of a modelling file is equal to."""
    pooler, head = trained.model.pooler, trained.model.head
    if type(pooler) not in POOLINGS:
        yield Problem("pooler", f"{type(pooler).__name__} is not a pooler of frostline", "choose --format onnx")
    if type(head) not in CLASSIFIERS:
        yield Problem("head", f"{type(head).__name__} is not a head of frostline", "choose --format onnx")


def _weights(part: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in [*part.named_parameters(), *part.named_buffers()]}
