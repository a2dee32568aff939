"""Strategies equal independent implementations in plain PyTorch and scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from frostline.data.batches import training_order
from frostline.data.build import load_corpus
from frostline.instantiate import make
from frostline.seeding import derive_seed
from prepared_run import PreparedRun, trained_run

STEPS = 20
SEED = 1


def plain_pytorch(config: dict[str, Any], head: torch.nn.Linear) -> dict[str, Tensor]:
    """Return the weights after STEPS steps of full fine-tuning, written by hand."""
    wrapped = make(config["encoder"])
    model, tokenizer = wrapped.model.train(), wrapped.tokenizer
    train = load_corpus(config["dataset"]).train
    lengths = [len(ids) for ids in tokenizer(train.texts, truncation=True, max_length=128)["input_ids"]]
    batches = training_order(lengths, 32, derive_seed(SEED, "order"), 0)[:STEPS]
    parameters = [*model.parameters(), *head.parameters()]
    decayed = [p for p in parameters if p.ndim > 1]
    others = [p for p in parameters if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-4, fused=True)
    for step, rows in enumerate(batches):
        progress = (step + 1) / (STEPS + 1)
        for group in optimizer.param_groups:
            group["lr"] = 1e-4 * min(progress / 0.06, (1 - progress) / 0.94)
        torch.manual_seed(derive_seed(SEED, "dropout", step, 0))
        texts = tokenizer(
            [train.texts[i] for i in rows], truncation=True, max_length=128, padding=True, return_tensors="pt"
        )
        states = model(input_ids=texts["input_ids"], attention_mask=texts["attention_mask"]).last_hidden_state
        mask = texts["attention_mask"][..., None].float()
        logits = head((states * mask).sum(1) / mask.sum(1))
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor([train.labels[i] for i in rows]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*decayed, *others], 1.0)
        optimizer.step()
    return {**dict(model.named_parameters()), "out.weight": head.weight, "out.bias": head.bias}


@pytest.mark.parametrize("encoder", ["bert_tiny", pytest.param("minilm", marks=pytest.mark.slow)])
def test_full_fine_tuning_is_what_forty_lines_of_pytorch_do(job: Any, encoder: str) -> None:
    run_job = job(
        "trainer=cpu", "freezing=full", f"encoder={encoder}", "trainer.max_epochs=1", f"trainer.limit_batches={STEPS}"
    )
    head = torch.nn.Linear(make(run_job.config["encoder"]).width, 3)
    torch.manual_seed(derive_seed(SEED, "head"))
    ours_at_start = make(run_job.config["head"], width=head.in_features, classes=3)
    head.load_state_dict(ours_at_start.out.state_dict())
    expected = plain_pytorch(run_job.config, head)
    ours = load_file(trained_run(run_job).folder.best)
    got = {name.removeprefix("head."): value for name, value in ours.items() if name.startswith("head.")}
    got |= {_raw(name): value for name, value in ours.items() if not name.startswith("head.")}
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value.detach(), rtol=0, atol=1e-6, msg=name)


def _raw(name: str) -> str:
    """Return BERT's name of a parameter whose plan name begins with encoder.embeddings or encoder.layer.N."""
    rest = name.removeprefix("encoder.")
    return rest if rest.startswith("embeddings.") else f"encoder.{rest}"


def probed(fit: PreparedRun) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return the cached vectors and the labels of train and test."""
    vectors, tokens = {}, fit.built.tokens
    for split in ("train", "test"):
        vectors[split] = fit.vectors(split).numpy()
    return vectors, {split: tokens[split].labels.numpy() for split in vectors}


def decisions(fit: PreparedRun, vectors: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        logits = fit.built.model.eval().head(torch.from_numpy(vectors))
    classes: np.ndarray = logits.argmax(dim=1).numpy()
    return classes


@pytest.mark.slow
def test_a_long_probe_decides_as_logistic_regression_does(job: Any) -> None:
    """SGD's weight decay w is scikit-learn's C = 1 / (w N); neither decays the bias."""
    c, texts = 0.01, 7422
    long = ["trainer.max_epochs=250", "trainer.monitor=null", "scheduler=cosine", "trainer.gradient_clip_val=null"]
    sgd = ["optimizer=sgd", "optimizer.lr=0.03", "optimizer.momentum=0.97", f"optimizer.weight_decay={1 / (c * texts)}"]
    fit = trained_run(job("freezing=frozen", *long, *sgd, "dataset.batch_size=256", "dataset.max_val=32"))
    vectors, labels = probed(fit)
    assert len(labels["train"]) == texts
    exact = LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(vectors["train"].astype(float), labels["train"])
    assert (exact.predict(vectors["test"]) == decisions(fit, vectors["test"])).mean() >= 0.995


@pytest.mark.slow
@pytest.mark.parametrize("dataset", [f"vader_{name}" for name in ("movies", "tweets", "nyt", "amazon")])
def test_probing_with_defaults_is_within_two_points_of_logistic_regression(job: Any, dataset: str) -> None:
    fit = trained_run(job("freezing=frozen", f"dataset={dataset}"))
    vectors, labels = probed(fit)
    exact = LogisticRegression(max_iter=5000).fit(vectors["train"], labels["train"])
    ours = (decisions(fit, vectors["test"]) == labels["test"]).mean()
    theirs = exact.score(vectors["test"], labels["test"])
    assert ours >= theirs - 0.02


def test_the_folder_of_the_run_holds_the_weights_that_were_scored(job: Any, tmp_path: Path) -> None:
    fit = trained_run(job("freezing=full", "debug=fast"))
    kept = load_file(fit.folder.best)
    for name, value in fit.weights().items():
        assert torch.equal(kept[name], value), name
