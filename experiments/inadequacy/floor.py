"""The floor of the study: TF-IDF and logistic regression, which know nothing but the texts that they are shown.

    python experiments/inadequacy/floor.py JOBS    # as `frostline reproduce experiments/inadequacy` calls it

JOBS has a run a line, its folder first and then its overrides, of which the data set's, `head.C` and `seed` count:
texts and splits are those of any run with the same, and of a text no more is read than bert_tiny reads of it. A folder
is left as `frostline` leaves one, with the encoder `tfidf`; a seed decides nothing here, as all is solved exactly.
Needs scikit-learn, of frostline[dev].
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from sklearn.pipeline import make_pipeline
from transformers import AutoTokenizer

from frostline.config.jobs import Job
from frostline.data.corpus import Corpus, Split
from frostline.instantiate import make
from frostline.models.encoders.auto_model import locate_checkpoint
from frostline.reproduce.study.external import Done, Program, main
from frostline.training.callbacks.predictions import SplitPredictions
from frostline.types import Config

VECTORS = {"_target_": "sklearn.feature_extraction.text.TfidfVectorizer", "sublinear_tf": True}
SOLVER = {"_target_": "sklearn.linear_model.LogisticRegression", "max_iter": 1000}


def config(run: Config) -> Config:
    head = SOLVER | {"C": run["head"]["C"]}
    return {"cut_as_by": run["encoder"]["name"], "encoder": VECTORS, "head": head}


def do(job: Job, config: Config, corpus: Corpus) -> Done:
    tokenizer = AutoTokenizer.from_pretrained(
        locate_checkpoint(job.config["encoder"]["name"], job.config["encoder"]["pin"])
    )
    train, val, test = (read(part, tokenizer, config) for part in (corpus.train, corpus.val, corpus.test))
    model = make_pipeline(make(config["encoder"]), make(config["head"]))
    model.fit(train.texts, train.labels)
    told = {name: chances(model, part, len(corpus.classes)) for name, part in (("val", val), ("test", test))}
    return Done(told, int(model[-1].coef_.size + model[-1].intercept_.size))


def read(part: Split, tokenizer: Any, config: Config) -> Split:
    """Each text as far as a run reads it: to the end of the last token that is kept."""
    options = {"truncation": True, "max_length": config["dataset"]["max_length"], "return_offsets_mapping": True}
    ends = [max(end for _, end in places) for places in tokenizer(part.texts, **options)["offset_mapping"]]
    return Split([text[:end] for text, end in zip(part.texts, ends, strict=True)], part.labels)


def chances(model: Any, part: Split, classes: int) -> SplitPredictions:
    """A class that train lacks has none."""
    found = np.zeros((len(part), classes))
    found[:, model[-1].classes_] = model.predict_proba(part.texts)
    return SplitPredictions(torch.arange(len(part)), torch.tensor(part.labels), torch.from_numpy(found).float())


if __name__ == "__main__":
    main(sys.argv[1], Program({"encoder": "tfidf", "head": "logistic"}, config, do))
