"""The floor of the study: TF-IDF and logistic regression, which know nothing but the texts that they are shown.

    python experiments/inadequacy/floor.py JOBS    # as `frostline reproduce experiments/inadequacy` calls it

JOBS has a run a line, its folder first and then its overrides, of which the data set's, `head.C` and `seed` count:
texts and splits are those of any run with the same, and of a text no more is read than bert_tiny reads of it. A folder
is left as `frostline` leaves one, with the encoder `tfidf`; a seed decides nothing here, as all is solved exactly.
Needs scikit-learn, of frostline[dev].
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from sklearn.pipeline import make_pipeline
from transformers import AutoTokenizer

from frostline.compose import command, listed
from frostline.compose.corpora import load_corpus
from frostline.compose.making import make
from frostline.errors import UserError
from frostline.loading import locate
from frostline.predictions import Told, write
from frostline.progress import say
from frostline.scores import Scores
from frostline.store import environment
from frostline.store.files import write_json, write_text
from frostline.store.folder import RunFolder
from frostline.store.identity import run_id
from frostline.types import Config, Corpus, Split

VECTORS = {"_target_": "sklearn.feature_extraction.text.TfidfVectorizer", "sublinear_tf": True}
SOLVER = {"_target_": "sklearn.linear_model.LogisticRegression", "max_iter": 1000}
CHOICES = {"encoder": "tfidf", "head": "logistic"}


def main(file: str) -> None:
    lines = listed.read(file)
    jobs, problems = command.each([words for _, *words in lines])
    if problems:
        raise UserError(problems)
    for (folder, *_), job in zip(lines, jobs, strict=True):
        place = RunFolder(Path(folder))
        result = place.read_result() or run(place, job)
        say(f"{place.path.name}: val/f1_macro {result['metrics']['val/f1_macro']:.4f}")


def run(place: RunFolder, job: command.Job) -> dict[str, Any]:
    """Fit, score, and leave a record."""
    begun, config = time.perf_counter(), config_of(job.config)
    corpus = load_corpus(config["dataset"])
    tokenizer = AutoTokenizer.from_pretrained(locate(job.config["encoder"]["name"], job.config["encoder"]["pin"]))
    train, val, test = (read(part, tokenizer, config) for part in (corpus.train, corpus.val, corpus.test))
    model = make_pipeline(make(config["encoder"]), make(config["head"]))
    model.fit(train.texts, train.labels)
    told = {name: chances(model, part, len(corpus.classes)) for name, part in (("val", val), ("test", test))}
    scored = {name: scores(name, part, corpus.classes) for name, part in told.items()}
    learned = int(model[-1].coef_.size + model[-1].intercept_.size)
    result = {
        "id": run_id(config),
        "study": config["study"],
        "overrides": job.overrides,
        "choices": {name: job.choices[name] for name in ("dataset", "experiment") if name in job.choices} | CHOICES,
        "seed": config["seed"],
        "metrics": {name: value for own, _ in scored.values() for name, value in own.items()},
        "confusion": scored["test"][1],
        "parameters": {"total": learned, "trainable": learned, "ever_trainable": learned, "solved": learned},
        "cost": {"seconds": time.perf_counter() - begun, "texts_encoded": 0, "texts_from_store": 0},
        "config": config,
    }
    record(place, config, corpus)
    write(place.predictions, {"test": told["test"]})
    write_json(place.result, result)
    return result


def config_of(config: Config) -> Config:
    """What counts here of a run's config, and what stands in the place of encoder and head."""
    kept = {key: config[key] for key in ("seed", "study", "dataset")}
    return kept | {
        "cut_as_by": config["encoder"]["name"],
        "encoder": VECTORS,
        "head": SOLVER | {"C": config["head"]["C"]},
    }


def read(part: Split, tokenizer: Any, config: Config) -> Split:
    """Each text as far as a run reads it: to the end of the last token that is kept."""
    options = {"truncation": True, "max_length": config["dataset"]["max_length"], "return_offsets_mapping": True}
    ends = [max(end for _, end in places) for places in tokenizer(part.texts, **options)["offset_mapping"]]
    return Split([text[:end] for text, end in zip(part.texts, ends, strict=True)], part.labels)


def chances(model: Any, part: Split, classes: int) -> Told:
    """A class that train lacks has none."""
    found = np.zeros((len(part), classes))
    found[:, model[-1].classes_] = model.predict_proba(part.texts)
    return Told(torch.arange(len(part)), torch.tensor(part.labels), torch.from_numpy(found).float())


def scores(name: str, told: Told, classes: list[str]) -> tuple[dict[str, float], list[list[int]]]:
    """As a run of frostline has them, and the confusion."""
    measured = Scores(classes)
    logits = told.chances.clamp(min=torch.finfo(torch.float32).tiny).log()
    measured.update(logits, told.labels, torch.ones(len(logits)))
    return {f"{name}/{key}": value for key, value in measured.compute().items()}, measured.confusion()


def record(place: RunFolder, config: Config, corpus: Corpus) -> None:
    """All of a folder but its result."""
    place.path.mkdir(parents=True, exist_ok=True)
    texts = {"train": len(corpus.train), "val": len(corpus.val), "test": len(corpus.test)}
    data = {"fingerprint": corpus.fingerprint, "texts": texts, "classes": corpus.classes, "shifts": {}}
    here = {"device": "cpu", "ranks": 1, "threads": torch.get_num_threads()}
    write_json(place.environment, environment.describe() | here | {"data": data, "encoder": {"fingerprint": None}})
    write_text(place.config, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


if __name__ == "__main__":
    main(sys.argv[1])
