"""The baseline of the study: TF-IDF and logistic regression, which know nothing but the training texts.

    python experiments/inadequacy/floor.py JOBS    # as `frostline reproduce experiments/inadequacy` calls it

JOBS has one run per line: its folder, then its overrides, of which those of the data set, `head.C` and `seed` are used.
Texts and splits are those of any run with the same overrides, and a text is truncated where bert_tiny truncates it. A
run leaves the same files as a run of `frostline`, with the encoder `tfidf`. The seed has no effect, because the model
is fitted exactly. Needs scikit-learn, which is part of frostline[dev].
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
from frostline.reproduce.study.external import ExternalProgram, ExternalResult, main
from frostline.training.callbacks.predictions import SplitPredictions
from frostline.types import Config

VECTORIZER = {"_target_": "sklearn.feature_extraction.text.TfidfVectorizer", "sublinear_tf": True}
CLASSIFIER = {"_target_": "sklearn.linear_model.LogisticRegression", "max_iter": 1000}


def config(run: Config) -> Config:
    """Return what is recorded in the run's config beside seed, study and data set."""
    head = CLASSIFIER | {"C": run["head"]["C"]}
    return {"cut_as_by": run["encoder"]["name"], "encoder": VECTORIZER, "head": head}


def do(job: Job, config: Config, corpus: Corpus) -> ExternalResult:
    """Fit once and return the class probabilities of the validation and test texts."""
    tokenizer = AutoTokenizer.from_pretrained(
        locate_checkpoint(job.config["encoder"]["name"], job.config["encoder"]["pin"])
    )
    train, val, test = (truncate(split, tokenizer, config) for split in (corpus.train, corpus.val, corpus.test))
    model = make_pipeline(make(config["encoder"]), make(config["head"]))
    model.fit(train.texts, train.labels)
    classes = len(corpus.classes)
    by_split = {"val": predictions(model, val, classes), "test": predictions(model, test, classes)}
    return ExternalResult(by_split, int(model[-1].coef_.size + model[-1].intercept_.size))


def truncate(split: Split, tokenizer: Any, config: Config) -> Split:
    """Cut each text after the last token that an encoder with the same max_length reads."""
    options = {"truncation": True, "max_length": config["dataset"]["max_length"], "return_offsets_mapping": True}
    ends = [max(end for _, end in offsets) for offsets in tokenizer(split.texts, **options)["offset_mapping"]]
    return Split([text[:end] for text, end in zip(split.texts, ends, strict=True)], split.labels)


def predictions(model: Any, split: Split, classes: int) -> SplitPredictions:
    """Return the predictions of a split; a class that is not among the training labels has probability 0."""
    probabilities = np.zeros((len(split), classes))
    probabilities[:, model[-1].classes_] = model.predict_proba(split.texts)
    labels = torch.tensor(split.labels)
    return SplitPredictions(torch.arange(len(split)), labels, torch.from_numpy(probabilities).float())


if __name__ == "__main__":
    main(sys.argv[1], ExternalProgram({"encoder": "tfidf", "head": "logistic"}, config, do))
