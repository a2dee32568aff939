"""The text of the modelling file of an exported folder: one encoder, one pooler and one classifier."""

from __future__ import annotations

import inspect
import re

from torch import nn

from frostline.export.modelling import template

FILE = "modeling_frostline.py"
HEADER = '''\
"""A text classifier that frostline has trained: {encoder}, {pooling}, {classifier}.

    from transformers import pipeline
    classify = pipeline("text-classification", model=FOLDER, trust_remote_code=True)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import {public}PretrainedConfig, PreTrainedModel, TextClassificationPipeline
from transformers.modeling_outputs import SequenceClassifierOutput
{private}'''


def modelling_source(encoder: type[nn.Module], pooling: type[nn.Module], classifier: type[nn.Module]) -> str:
    """Return the modelling file for a class of transformers, one of `poolings` and one of the classifiers."""
    import transformers

    names = {"Encoder": encoder.__name__, "Pooling": pooling.__name__, "Classifier": classifier.__name__}
    is_public = getattr(transformers, encoder.__name__, None) is encoder
    header = HEADER.format(
        encoder=names["Encoder"],
        pooling=names["Pooling"],
        classifier=names["Classifier"],
        public=f"{names['Encoder']}, " if is_public else "",
        private="" if is_public else f"from {encoder.__module__} import {names['Encoder']}\n",
    )
    classes = [pooling, classifier, template.FrostlineConfig]
    classes += [template.FrostlineForSequenceClassification, template.TruncatingPipeline]
    body = "\n\n".join(inspect.getsource(one) for one in classes)
    text = re.sub(r"\b(Encoder|Pooling|Classifier)(?=[.(])", lambda found: names[found[1]], body)
    if "functional." not in text:
        header = header.replace("from torch.nn import functional\n", "")
    return f"{header}\n\n{text}"
